/**
 * Beginning of `meta.source` of a record that a JupyterHealth Exchange imported from another FHIR server; the number of that
 * server follows.
 */
export const importedSource = 'https://jupyterhealth.org/fhir/fhir-source'

const grammar = new RegExp(`^${importedSource.replaceAll('.', '\\.')}/\\d+$`)

/** Whether a resource was imported by a JupyterHealth Exchange, by its `meta.source`. */
export function isImported(resource: object): boolean {
  const { meta }: { readonly meta?: unknown } = resource
  if (typeof meta !== 'object' || meta === null || !('source' in meta)) return false
  return typeof meta.source === 'string' && grammar.test(meta.source)
}
