// <filo-call write-key="..." phone="...">: "call us", by the browser or by the visitor's phone.
// A web component of its own: a page needs this one module and nothing else. Its style is a
// constructed sheet, so it works under a CSP without inline styles.

import { icons, type IconName } from '../shared/icons';
import { Call, type CallState } from './call';
import sheet from './call-us.css?inline';

type View = 'rest' | 'choose' | 'phone' | CallState;

const origin = new URL(import.meta.url).origin;

export class CallUs extends HTMLElement {
  static observedAttributes = ['phone'];

  #root = this.attachShadow({ mode: 'open' });
  #view: View = 'rest';
  #call: Call | null = null;
  #heading = 'Chiamaci';
  #lead = 'Chi risponde vede già il tuo carrello.';
  #since = 0;
  #length = 0;
  #pad = false;
  #rated = false;
  #timer = 0;

  constructor() {
    super();
    const style = new CSSStyleSheet();
    style.replaceSync(sheet);
    this.#root.adoptedStyleSheets = [style];
    this.#root.addEventListener('click', (e) => this.#clicked(e));
    this.#root.addEventListener('keydown', (e) => this.#key(e as KeyboardEvent));
  }

  connectedCallback(): void {
    this.#draw();
  }

  disconnectedCallback(): void {
    this.#call?.end();
    clearInterval(this.#timer);
  }

  attributeChangedCallback(): void {
    if (this.isConnected) this.#draw();
  }

  /** suggest opens the choice with other words; it does not take the focus, nor break in on a call. */
  suggest(heading: string, lead: string): void {
    if (this.#view !== 'rest' && this.#view !== 'choose') return;
    this.#heading = heading;
    this.#lead = lead;
    this.#show('choose', false);
  }

  #show(view: View, focus = true): void {
    this.#view = view;
    if (view !== 'talk') this.#pad = false;
    this.#draw();
    if (focus) this.#root.querySelector<HTMLElement>('[data-first], section, button')?.focus();
  }

  async #browser(): Promise<void> {
    this.#rated = false;
    this.#call = new Call(origin, this.getAttribute('write-key') ?? '', this.#audio(), (state) => {
      if (state === 'ring' || state === 'talk') this.#since = Date.now();
      if (state === 'done') this.#length = Date.now() - this.#since;
      this.#count(state === 'ring' || state === 'talk');
      this.#show(state);
    });
    await this.#call.start();
  }

  #audio(): HTMLAudioElement {
    let audio = this.querySelector('audio');
    if (!audio) {
      audio = document.createElement('audio');
      audio.id = 'call-audio';
      audio.autoplay = true;
      this.append(audio);
    }
    return audio;
  }

  #count(on: boolean): void {
    clearInterval(this.#timer);
    if (on) this.#timer = window.setInterval(() => this.#tick(), 500);
  }

  #tick(): void {
    const clock = this.#root.querySelector('[data-clock]');
    if (clock) clock.textContent = length(Date.now() - this.#since);
    void this.#call?.level().then((level) => {
      const words = this.#root.querySelector('[data-heard]');
      if (words && this.#view === 'talk') words.textContent = this.#call?.muted ? 'Microfono spento' : level > 0.01 ? 'Senti chi parla' : 'In linea';
    });
  }

  #clicked(e: Event): void {
    const button = (e.target as HTMLElement).closest<HTMLElement>('[data-do]');
    const key = button?.dataset['key'];
    switch (button?.dataset['do']) {
      case 'open':
        this.#heading = 'Chiamaci';
        this.#lead = 'Chi risponde vede già il tuo carrello.';
        return this.#show('choose');
      case 'close':
        return this.#show('rest');
      case 'browser':
        return void this.#browser();
      case 'phone':
        return this.#show('phone');
      case 'cancel':
        this.#call?.end();
        return this.#show('rest');
      case 'mute':
        this.#call?.mute(!this.#call.muted);
        return this.#again('mute');
      case 'pad':
        this.#pad = !this.#pad;
        return this.#again('pad');
      case 'end':
        return this.#call?.end();
      case 'key':
        return key ? this.#call?.dial(key) : undefined;
      case 'rate':
        this.#rated = true;
        this.#rate(key ?? '');
        return this.#show('done');
    }
  }

  /** again draws anew and puts the focus back on the button that was pressed. */
  #again(what: string): void {
    this.#draw();
    this.#root.querySelector<HTMLElement>(`[data-do="${what}"]`)?.focus();
  }

  #key(e: KeyboardEvent): void {
    if (this.#view === 'talk' && this.#pad && /^[0-9*#]$/.test(e.key)) this.#call?.dial(e.key);
    if (e.key === 'Escape' && ['choose', 'phone', 'nomic', 'failed', 'done'].includes(this.#view)) this.#show('rest');
  }

  #rate(answer: string): void {
    (window as unknown as { filo?: { track(event: string, p: Record<string, unknown>): void } }).filo?.track('Call Rated', { solved: answer, seconds: Math.round(this.#length / 1000) });
  }

  #draw(): void {
    const body = this.#body();
    this.#root.innerHTML = this.#view === 'rest' ? body : `<section class="widget" aria-label="Chiamaci" tabindex="-1">${body}</section>`;
  }

  #body(): string {
    const phone = this.getAttribute('phone') ?? '';
    const byPhone = phone ? button('phone', 'Dal mio telefono', 'call') : '';
    switch (this.#view) {
      case 'rest':
        return button('open', 'Chiamaci', 'call', 'primary big');
      case 'choose':
        return `${head(this.#heading, true)}<p class="soft">${escape(this.#lead)}</p><div class="stack">${button('browser', 'Dal browser, gratis', 'mic', 'primary', 'data-first')}${byPhone}</div>`;
      case 'phone':
        return `${head('Chiama', true)}<p class="number"><a href="tel:${escape(phone.replaceAll(/[^+\d]/g, ''))}">${escape(phone)}</a></p><p class="meta">Se chiami dal numero che hai lasciato nell’ordine, ti riconosciamo.</p>`;
      case 'mic':
        return `${head('Serve il microfono')}<p class="soft">Premi Consenti nella finestra del browser. Lo usiamo solo durante la chiamata.</p>${line(120, true)}<div class="row">${button('cancel', 'Annulla')}<span class="st push">${icon('mic')}In attesa del permesso</span></div>`;
      case 'ring':
        return `<div class="row"><h2>Stiamo chiamando</h2><span class="num push" data-clock>0:00</span></div><p class="soft">Ancora un momento.</p>${line(200, true)}<div class="row">${button('cancel', 'Annulla')}</div>`;
      case 'talk':
        return this.#talk();
      case 'nomic':
        return `<p class="st bad">${icon('alert')}<b>Il microfono è bloccato</b></p><p class="soft">Puoi consentirlo dal lucchetto accanto all’indirizzo, oppure chiamare dal telefono.</p><div class="row">${button('browser', 'Riprova', undefined, 'primary', 'data-first')}${byPhone}<span class="push">${button('close', '', 'x', 'quiet', 'aria-label="Chiudi"')}</span></div>`;
      case 'failed':
        return `<p class="st bad">${icon('alert')}<b>La chiamata non è riuscita</b></p><p class="soft">Riprova tra un momento, oppure chiama dal telefono.</p><div class="row">${button('browser', 'Riprova', undefined, 'primary', 'data-first')}${byPhone}<span class="push">${button('close', '', 'x', 'quiet', 'aria-label="Chiudi"')}</span></div>`;
      case 'done':
        return this.#rated
          ? `${head('Grazie', true)}<p class="meta">${length(this.#length)} al telefono.</p>`
          : `${head('Hai risolto?', true)}<div class="row thirds">${['Sì', 'In parte', 'No'].map((w) => button('rate', w, undefined, '', `data-key="${w}"`)).join('')}</div><p class="meta">${length(this.#length)} al telefono.</p>`;
    }
  }

  #talk(): string {
    const muted = this.#call?.muted ?? false;
    const keys = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'];
    const pad = this.#pad ? `<div class="pad" role="group" aria-label="Tasti">${keys.map((k) => button('key', k, undefined, '', `data-key="${k}" aria-label="Tasto ${k}"`)).join('')}</div>` : '';
    return `<div class="row"><h2>Lanificio Aurora</h2><span class="num push" data-clock>${length(Date.now() - this.#since)}</span></div><p class="soft" data-heard>In linea</p>${line(280, false)}<div class="row">${button('mute', 'Muto', muted ? 'micoff' : 'mic', '', `aria-pressed="${muted}" data-first`)}${button('pad', 'Tasti', 'pad', '', `aria-expanded="${this.#pad}"`)}<span class="push">${button('end', 'Chiudi', 'end', 'end')}</span></div>${pad}`;
  }
}

function head(text: string, close = false): string {
  return `<div class="row"><h2>${escape(text)}</h2>${close ? `<span class="push">${button('close', '', 'x', 'quiet', 'aria-label="Chiudi"')}</span>` : ''}</div>`;
}

function button(does: string, text: string, drawing?: IconName, kind = '', more = ''): string {
  return `<button type="button" class="btn ${kind}" data-do="${does}" ${more}>${drawing ? icon(drawing) : ''}${escape(text)}</button>`;
}

function icon(name: IconName): string {
  return `<svg class="i" viewBox="0 0 24 24" aria-hidden="true">${icons[name]}</svg>`;
}

function line(to: number, dashed: boolean): string {
  return `<svg class="thread" viewBox="0 0 284 12" aria-hidden="true"><path d="M2 6h${to}"${dashed ? ' stroke-dasharray="6 5"' : ''}/></svg>`;
}

function length(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

if (!customElements.get('filo-call')) customElements.define('filo-call', CallUs);
