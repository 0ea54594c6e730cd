// The mock, typed as far as the tests use it.
import { startMock as start } from '../../mock/server.mjs';

export interface Mock {
  url: string;
  scene: string;
  requests: { method: string; path: string; body?: Record<string, unknown> }[];
  tracked: { type: string; event?: string; properties?: Record<string, unknown> }[];
  failNext: Map<string, number | [status: number, code: string]>;
  trace: { overwritten?: boolean; long?: number } | null;
  sockets: Set<{ terminate(): void; hello?: { after: number } }>;
  sip: {
    answer: ((offer: string) => Promise<string | null>) | null;
    invites: { headers: Map<string, string>; body: string; uri: string }[];
    registered: Set<unknown>;
    dialogs: Map<string, unknown>;
    bye(reason?: string): void;
  };
  now(): number;
  setScene(scene: string): void;
  push(type: string, data: unknown): void;
  call(id: string, change: Record<string, unknown>): void; // how a call stands
  answer(id?: string): void; // the consulted answers
  directory: { agents: { id: string; name: string; state: string }[]; numbers: boolean };
  close(): Promise<void>;
}

export const startMock = start as unknown as (options: Record<string, unknown>) => Promise<Mock>;
