// Microphone and outputs.

/** openMic opens a microphone; a device that is gone falls back to the default one. */
export async function openMic(id: string): Promise<MediaStream> {
  if (!navigator.mediaDevices) throw new DOMException('insecure page', 'NotAllowedError');
  const audio: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: id ? { ...audio, deviceId: { exact: id } } : audio });
  } catch (e) {
    if (id && (e as DOMException).name === 'OverconstrainedError') return openMic('');
    throw e;
  }
}

export interface Device {
  id: string;
  label: string;
}

export interface Devices {
  mics: Device[];
  outputs: Device[];
}

/** devices lists what is connected; labels need a granted microphone. */
export async function devices(): Promise<Devices> {
  const all = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
  const of = (kind: MediaDeviceKind) =>
    all.filter((d) => d.kind === kind && d.deviceId && d.deviceId !== 'default' && d.deviceId !== 'communications').map((d) => ({ id: d.deviceId, label: d.label }));
  return { mics: of('audioinput'), outputs: of('audiooutput') };
}
