/** The value of a text that the schema has already accepted. */
export function meantBy<T>(checked: { readonly value: T } | { readonly problem: string }): T {
  if ('problem' in checked) throw new Error(checked.problem);
  return checked.value;
}
