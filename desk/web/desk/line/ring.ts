// The ring: two soft notes made by WebAudio, on its own output, apart from the voice.

type SinkContext = AudioContext & { setSinkId?: (id: string) => Promise<void> };

const pattern = [
  { at: 0, hz: 587.33 },
  { at: 0.18, hz: 880 },
  { at: 0.55, hz: 587.33 },
  { at: 0.73, hz: 880 },
];
const period = 2_600;

export class Ringer {
  #context: SinkContext | null = null;
  #timer = 0;

  /** ring repeats until quiet. */
  ring(device: string, volume: number): void {
    if (this.#timer) return;
    void this.#play(device, volume);
    this.#timer = window.setInterval(() => void this.#play(device, volume), period);
  }

  quiet(): void {
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  /** chime is heard once: a message, not a call. */
  chime(device: string, volume: number): void {
    void this.#play(device, volume * 0.6, pattern.slice(0, 2));
  }

  /** tone tests an output. */
  async tone(device: string, volume: number): Promise<void> {
    await this.#play(device, volume, [{ at: 0, hz: 440 }], 0.6);
  }

  async #play(device: string, volume: number, notes = pattern, length = 0.3): Promise<void> {
    try {
      const context = (this.#context ??= new AudioContext() as SinkContext);
      await context.setSinkId?.(device).catch(() => undefined);
      if (context.state === 'suspended') await context.resume();
      for (const note of notes) this.#note(context, note.hz, context.currentTime + note.at, length, volume);
    } catch {
      // No sound device, or no gesture yet: the offer is on screen and spoken all the same.
    }
  }

  #note(context: AudioContext, hz: number, at: number, length: number, volume: number): void {
    const tone = context.createOscillator();
    const gain = context.createGain();
    tone.type = 'sine';
    tone.frequency.value = hz;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.35 * volume, at + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, at + length);
    tone.connect(gain).connect(context.destination);
    tone.start(at);
    tone.stop(at + length + 0.05);
  }
}
