import type { IconName } from '../../shared/icons';
import type { Channel } from '../api';

export const channelIcon: Record<Channel, IconName> = { voice: 'call', email: 'mail', sms: 'sms', web: 'web' };
