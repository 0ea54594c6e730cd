import type { IconName } from '../../shared/icons';
import type { AgentStateName } from '../api';

/** An agent's state: its shape and its colour. */
export const stateIcon: Record<AgentStateName, IconName> = { logged_out: 's-off', not_ready: 's-off', ready: 's-ready', reserved: 's-res', busy: 's-busy', wrap_up: 's-wrap' };
export const stateTone: Record<AgentStateName, string> = { logged_out: 'soft', not_ready: 'ic-late', ready: 'ic-ok', reserved: 'ic-now', busy: 'ic-now', wrap_up: '' };
