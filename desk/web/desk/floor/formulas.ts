// Where the variants of the service level stand on one axis, and where their words fit.

import type { ServiceLevel } from '../api';

export interface Point {
  x: number;
  textX: number;
  text: string;
  ours: boolean;
  below: boolean;
}

export interface Plot {
  ticks: { x: number; text: string }[];
  target: number | null;
  points: Point[];
}

const left = 30;
const right = 670;
const perLetter = 5.8;

interface Value {
  codes: string[];
  value: number;
  ours: boolean;
}

/** grouped puts formulas that give the same figure at one point; ours is named first. */
function grouped(sl: ServiceLevel, figure: (v: number) => string): Value[] {
  const out: Value[] = [{ codes: ['filo'], value: sl.value, ours: true }];
  for (const [code, value] of Object.entries(sl.variants ?? {})) {
    if (code === 'filo' || code === 'standard') continue;
    const same = out.find((o) => figure(o.value) === figure(value));
    if (same) same.codes.push(code);
    else out.push({ codes: [code], value, ours: false });
  }
  return out.sort((a, b) => a.value - b.value);
}

/** formulaPlot lays the values (0..1) out on 700 x 74 units. */
export function formulaPlot(sl: ServiceLevel, name: (code: string) => string, figure: (v: number) => string): Plot {
  const all = grouped(sl, figure);
  const values = [...all.map((a) => a.value), ...(sl.target > 0 ? [sl.target] : [])];
  const low = Math.max(0, Math.floor(Math.min(...values) * 100 - 0.8) / 100);
  const high = Math.min(1, Math.max(low + 0.04, Math.ceil(Math.max(...values) * 100 + 0.8) / 100));
  const x = (v: number) => Math.round((left + ((v - low) / (high - low)) * (right - left)) * 10) / 10;

  const ends = { above: -Infinity, below: -Infinity };
  const target = sl.target > 0 ? x(sl.target) : null;
  if (target !== null) ends.below = target + 40;
  const points = all.map((a): Point => {
    const at = x(a.value);
    const text = `${a.codes.map(name).join(', ')} ${figure(a.value)}`;
    const half = (text.length * perLetter) / 2;
    // Above when there is room, else below, else pushed to the right above.
    const below = !a.ours && at - half < ends.above && at - half >= ends.below;
    const side = below ? 'below' : 'above';
    const textX = Math.min(700 - half, Math.max(half, at, ends[side] === -Infinity ? 0 : Math.min(ends[side] + half + 6, at + half * 2)));
    ends[side] = textX + half + 8;
    return { x: at, textX: Math.round(textX * 10) / 10, text, ours: a.ours, below };
  });
  return { ticks: ticks(low, high, x, points, target), target, points };
}

function ticks(low: number, high: number, x: (v: number) => number, points: Point[], target: number | null): Plot['ticks'] {
  const step = high - low > 0.4 ? 10 : high - low > 0.15 ? 5 : 1;
  const out: Plot['ticks'] = [];
  for (let p = Math.ceil(low * 100); p <= high * 100 + 1e-9; p++) {
    if (p % step !== 0) continue;
    const at = x(p / 100);
    const busy = (target !== null && Math.abs(at - target) < 70) || points.some((q) => q.below && Math.abs(q.textX - at) < q.text.length * 3 + 24);
    out.push({ x: at, text: busy || (step === 1 && p % 2 === 1) ? '' : String(p) });
  }
  return out;
}
