/**
 * A UCUM code without its annotations, which have no meaning (UCUM §6): `{beats}/min` is `/min`, `kg{wet}` is `kg`, and one
 * that stands alone is the unit `1`.
 */
export function withoutAnnotations(code: string): string {
  if (!code.includes('{') && !code.includes('1/')) return code
  const bare = code.replace(/(^|[./(])?\{[^{}]*\}/g, (_, before: string | undefined) =>
    before === undefined ? '' : `${before}1`,
  )
  // A factor of 1 says nothing either.
  const short = bare.replace(/[./]1(?=$|[./)])/g, '').replace(/^1(?=\/)/, '')
  return short === '' ? '1' : short
}
