import { expect, test } from 'vitest';
import { socketURL, waitFor } from './socket';

test('back-off grows from a third of a second to eight, with jitter', () => {
  expect([0, 1, 2, 10].map((n) => waitFor(n, 0.5))).toEqual([300, 600, 1_200, 8_000]);
  expect(waitFor(0, 0)).toBe(225);
  expect(waitFor(10, 1)).toBe(10_000);
});

test('the socket is on our own origin', () => {
  expect(socketURL('/api/events', 'https://desk.example/desk/')).toBe('wss://desk.example/api/events');
  expect(socketURL('/api/events', 'http://127.0.0.1:8080/desk/#floor')).toBe('ws://127.0.0.1:8080/api/events');
});
