import open from 'open'

/** Opens the browser of this machine. What it is given stands in its command line: never more than an address. */
export async function openSystemBrowser(url: string): Promise<void> {
  const browser = await open(url)
  browser.on('error', () => undefined)
}
