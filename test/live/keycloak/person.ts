import type { Browser, Visited } from '../../broker/browser.ts'

/** Somebody with an account at Keycloak. */
export interface Person {
  readonly name: string
  readonly password: string
}

/**
 * Goes through Keycloak's pages as a person does: user and password, then the consent that a client which registered itself
 * needs. Resolves with the first page that is none of Keycloak's, or where the client is answered.
 */
export async function passKeycloak(browser: Browser, url: URL, person: Person): Promise<Visited> {
  let page = await browser.visit(url)
  for (let step = 0; step < 4; step += 1) {
    if (page.html.includes('id="kc-form-login"')) {
      page = await browser.submit(page, [
        ['username', person.name],
        ['password', person.password],
      ])
    } else if (page.html.includes('name="accept"')) {
      page = await browser.submit(page, [['accept', 'Yes']])
    } else return page
  }
  throw new Error(`Keycloak does not let ${person.name} through: ${page.status} ${titleOf(page.html)}`)
}

function titleOf(html: string): string {
  return html.replaceAll(/<(script|style)[\s\S]*?<\/\1>|<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ')
}
