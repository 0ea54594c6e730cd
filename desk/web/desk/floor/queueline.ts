// Each waiting contact as a knot between "just in" and its deadline.

import type { Channel, FloorQueue } from '../api';

export interface Knot {
  contact: string;
  channel: Channel;
  x: number; // on 300 units: 4 is just in, 236 the deadline
  percent: number; // of its wait
  past: boolean;
}

const start = 15;
const deadline = 236;
const end = 285;
const most = 12; // knots on a line; the oldest are shown

/** queueLine places the knots, the most urgent last so that it lies on top. */
export function queueLine(q: FloorQueue, now: number): Knot[] {
  const knots = (q.waiting ?? []).map((w) => {
    const [since, due] = [Date.parse(w.since), Date.parse(w.deadline)];
    const share = due > since ? Math.max(0, (now - since) / (due - since)) : 0;
    const past = share >= 1;
    const x = past ? Math.min(end, deadline + 14 + (share - 1) * 60) : start + share * (deadline - 14 - start);
    return { contact: w.contact, channel: w.channel, x: Math.round(x * 10) / 10, percent: Math.round(share * 100), past };
  });
  return knots.sort((a, b) => a.x - b.x).slice(-most);
}
