import { describe, expect, it, onTestFinished } from 'vitest'
import { configurationPage } from '../../scripts/docs/configuration.ts'
import { startSite } from '../../scripts/docs/site.ts'
import { toolsPage } from '../../scripts/docs/tools.ts'

/** `npm run docs` writes these pages: it runs this file with `--update`. */
const page = (name: string) => `../../docs/${name}`

describe('the pages that are generated', () => {
  it('the configuration is what the schemas say', async () => {
    await expect(configurationPage()).toMatchFileSnapshot(page('configuration.md'))
  })

  it('the tools are what they say of themselves, with their real answers', async () => {
    const site = await startSite()
    onTestFinished(() => site.close())
    await expect(await toolsPage(site)).toMatchFileSnapshot(page('tools.md'))
  })
})
