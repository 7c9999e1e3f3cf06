/** Sentences by plural category; `#` stands for the number. */
export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

/** `plural('ru', 3, forms)` picks the form the language wants and puts the number in. */
export function plural(lang: string, n: number, forms: Forms): string {
  const form = forms[new Intl.PluralRules(lang).select(n)] ?? forms.other;
  return form.replace('#', new Intl.NumberFormat(lang).format(n));
}

/** Puts values in the `{name}` places of a sentence. */
export function fill(sentence: string, values: Record<string, string | number>): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
