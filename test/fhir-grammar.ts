/** Whether a FHIR date, dateTime or instant names a day that exists; its form is the schema's matter. */
export function isCalendarDate(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)/.exec(text) ?? []
  if (day === undefined) return true
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day)
}

/** Whether a text can stand in Reference.reference: relative, absolute, or of a contained resource. */
export function isReference(text: string, types: readonly string[]): boolean {
  if (/^#[A-Za-z0-9\-.]{0,64}$/.test(text) || /^(https?|urn):\S+$/.test(text)) return true
  const [, type = ''] =
    /^([A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}(\/_history\/[A-Za-z0-9\-.]{1,64})?$/.exec(text) ?? []
  return types.includes(type)
}

/** Whether a Reference names one of the types that its element allows; one that names no type is left alone. */
export function refersTo(
  targets: readonly string[],
  value: { reference?: unknown; type?: unknown },
): boolean {
  const [, named] = /^([A-Za-z]+)\//.exec(String(value.reference ?? '')) ?? []
  return [named, value.type].every((type) => type === undefined || targets.includes(String(type)))
}
