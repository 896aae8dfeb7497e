/** oidc-provider tells developers on the console what a production set-up would need; the demo is none. */
export async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { info, warn } = console
  console.info = () => undefined
  console.warn = () => undefined
  try {
    return await work()
  } finally {
    console.info = info
    console.warn = warn
  }
}
