// Cart, form and where the visitor is. Kept for the tab; card data never is.

export interface Product {
  id: string;
  name: string;
  more: string;
  price: number; // cents
  text: string;
}

export const products: Product[] = [
  { id: 'coperta', name: 'Coperta merino', more: 'Grigia, 130 × 180', price: 5400, text: 'Lana merino lavata a mano, bordo a frange. Calda senza pesare, non pizzica.' },
  { id: 'sciarpa', name: 'Sciarpa', more: 'Verde felce', price: 2500, text: 'Tessuta a spina di pesce, 30 × 180 cm. Morbida dal primo giorno.' },
  { id: 'filato', name: 'Filato Aurora', more: 'Panna, 100 g', price: 950, text: 'Lana pettinata a due capi, per ferri dal 4 al 5.' },
];

export const steps = [
  { id: 'cart', path: '/carrello', name: 'Carrello' },
  { id: 'delivery', path: '/cassa/consegna', name: 'Consegna' },
  { id: 'payment', path: '/cassa/pagamento', name: 'Pagamento' },
  { id: 'confirm', path: '/cassa/conferma', name: 'Conferma' },
] as const;

export type StepId = (typeof steps)[number]['id'];

export const fieldsOf: Record<StepId, readonly string[]> = {
  cart: [],
  delivery: ['name', 'email', 'phone', 'address', 'postcode', 'city', 'delivery'],
  payment: ['card_name', 'card_number', 'card_expiry', 'card_code'],
  confirm: [],
};

const key = 'aurora';
const express = 590;

export class Shop {
  path = $state('/');
  items = $state<string[]>([]);
  form = $state<Record<string, string>>({ delivery: '' });
  card = $state<Record<string, string>>({}); // in memory only
  order = $state('');

  lines = $derived(products.filter((p) => this.items.includes(p.id)));
  shipping = $derived(this.form['delivery'] === 'express' ? express : 0);
  total = $derived(this.lines.reduce((sum, p) => sum + p.price, this.shipping));
  step = $derived(steps.find((s) => s.path === this.path));
  number = $derived(this.step ? steps.indexOf(this.step) + 1 : 0);

  constructor() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(key) ?? '{}') as { items?: string[]; form?: Record<string, string> };
      this.items = kept.items ?? [];
      this.form = { ...this.form, ...kept.form };
    } catch {
      // Begin anew.
    }
    // The link of our mail leads to a cart that waits.
    if (this.items.length === 0 && new URLSearchParams(location.search).has('cx')) this.items = ['coperta', 'sciarpa'];
  }

  keep(): void {
    sessionStorage.setItem(key, JSON.stringify({ items: this.items, form: this.form }));
  }

  value(name: string): string {
    return (name.startsWith('card_') ? this.card : this.form)[name] ?? '';
  }

  set(name: string, value: string): void {
    if (name.startsWith('card_')) this.card[name] = value;
    else this.form[name] = value;
    this.keep();
  }

  /** progress is what the tracker may know of a step: names of fields, values except the card's. */
  progress(step: StepId): Record<string, unknown> {
    const names = fieldsOf[step];
    const filled = names.filter((n) => this.value(n).trim() !== '');
    return {
      form: 'checkout',
      step,
      step_no: steps.findIndex((s) => s.id === step) + 1,
      steps: steps.length,
      filled,
      empty: names.filter((n) => !filled.includes(n)),
      fields: Object.fromEntries(
        Object.entries(this.form).filter(([n, v]) => v.trim() !== '' && !n.startsWith('card_')),
      ),
      path: steps.find((s) => s.id === step)?.path,
      ...(this.total > 0 ? { value: price(this.total), currency: 'EUR' } : {}),
      cart: [...this.lines.map((p) => ({ name: `${p.name} ${p.more.split(',')[0]?.toLowerCase()}`, price: price(p.price) })), ...(this.shipping ? [{ name: 'Consegna espressa', price: price(this.shipping) }] : [])],
    };
  }
}

export function price(cents: number): string {
  return (cents / 100).toFixed(2);
}

export function euro(cents: number): string {
  return new Intl.NumberFormat('it-IT', { minimumFractionDigits: 2 }).format(cents / 100);
}
