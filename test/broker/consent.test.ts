import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contentSecurityPolicy, pageHeaders } from '../../src/broker/consent/headers.ts'
import type { ConsentModel } from '../../src/broker/consent/model.ts'
import { consentPage, continuePage, errorPage } from '../../src/broker/consent/page.ts'
import { errorCatalog } from '../../src/errors.ts'
import { escapeHtml, html } from '../../src/pages/html.ts'
import { hostileTexts, madeOf, many, proven } from './consent-models.ts'
import { drawn, type Piece, readMarkup, skeleton } from './markup.ts'

const backTo = { href: '/authorize/Zs7o2', redirectHost: 'claude.example', redirectIsLoopback: false }
const failed = { code: 'FHIR_MCP_NO_PERMISSIONS', ...errorCatalog.NO_PERMISSIONS }

type Tag = Extract<Piece, { tag: string }>
const tags = (page: string, name: string): Tag[] =>
  readMarkup(page).filter((piece): piece is Tag => piece.kind === 'open' && piece.tag === name)
const values = (page: string, tag: string, attribute: string) =>
  tags(page, tag).map(({ attributes }) => attributes.get(attribute))

describe('the consent page', () => {
  const page = consentPage(proven)
  const text = drawn(page)

  it('says who asks, for what, for whom and where the answer goes', () => {
    expect(text).toContain('claude.example (“Claude”) asks to read study data in your name')
    expect(text).toContain('it can read 3 studies at Northlake Clinic and all patients of Northlake Clinic')
    expect(text).toContain('Answer goes toclaude.example')
    expect(text).toContain('Data frommcp.northlake.example')
    expect(text).toContain('Signed in asAda Northlake <ada@northlake.example>')
    expect(text).toContain('Client id: https://claude.example/oauth/client.json')
  })

  it('names studies and organizations', () => {
    for (const name of ['Sleep and blood pressure at Northlake Clinic', 'Glucose at night', 'Study 30008']) {
      expect(text).toContain(name)
    }
    expect(text).toContain('Northlake Clinic your role: manager')
    expect(tags(page, 'details')).toEqual([])
  })

  it('has a check box for each scope, all checked, in words', () => {
    const boxes = tags(page, 'input').filter(({ attributes }) => attributes.get('type') === 'checkbox')
    expect(boxes.map(({ attributes }) => attributes.get('value'))).toEqual(
      proven.scopes.map(({ scope }) => scope),
    )
    for (const { attributes } of boxes) {
      expect(attributes.get('name')).toBe('scope')
      expect(attributes.has('checked')).toBe(true)
    }
    expect(text).toContain('Read measurements, such as heart rate and blood pressure')
  })

  it('posts the decision with the CSRF token, and denies by default', () => {
    expect(values(page, 'form', 'method')).toEqual(['post'])
    expect(values(page, 'form', 'action')).toEqual(['/interaction/Zs7o2'])
    const csrf = tags(page, 'input').filter(({ attributes }) => attributes.get('name') === 'csrf')
    expect(csrf.map(({ attributes }) => attributes.get('value'))).toEqual(['a-token-of-the-form'])
    expect(values(page, 'button', 'value')).toEqual(['deny', 'allow'])
  })

  it('has landmarks, headings in order, a title, a language and a viewport', () => {
    for (const tag of ['header', 'main', 'footer', 'h1', 'fieldset', 'legend']) {
      expect(tags(page, tag)).toHaveLength(1)
    }
    expect(values(page, 'html', 'lang')).toEqual(['en'])
    expect(text.trim().startsWith('Allow access?')).toBe(true)
    expect(page).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">')
    const levels = readMarkup(page).flatMap((piece) =>
      piece.kind === 'open' && /^h\d$/.test(piece.tag) ? [Number(piece.tag[1])] : [],
    )
    expect(levels).toEqual([1, 2, 3, 3, 2])
    expect(tags(page, 'label')).toHaveLength(proven.scopes.length)
  })

  it('says what is not proven of a client that registered itself', () => {
    const shown = drawn(consentPage(many))
    expect(shown).toContain('A program that calls itself “Study Explorer” asks')
    expect(shown).toContain('Not verified: it chose this name itself.')
    expect(shown).toContain('A program on this device127.0.0.1:53122')
    expect(shown).not.toContain('Any program on it')
    expect(drawn(consentPage({ ...many, clientName: undefined }))).toContain('A program without a name asks')
  })

  it('says who could pose as a client whose answer stays on the device', () => {
    const shown = drawn(consentPage({ ...proven, redirectHost: '127.0.0.1:1', redirectIsLoopback: true }))
    expect(shown).toContain('Any program on it could pose as that of claude.example.')
  })

  it('folds long lists and counts what it leaves out', () => {
    const shown = consentPage(many)
    expect(tags(shown, 'details')).toHaveLength(2)
    expect(drawn(shown)).toContain(
      'it can read 1,200 studies at 4 organizations and all patients of 7 organizations',
    )
    expect(drawn(shown)).toContain('1,195 more')
    expect(drawn(shown)).toContain('and 200 that are not shown here')
    expect(tags(shown, 'li')).toHaveLength(1000 + 7)
  })

  it('counts without an organization where it is not known whose a study is', () => {
    const [first] = proven.studies
    const studies = [{ id: '1', name: undefined, organization: undefined }]
    expect(drawn(consentPage({ ...proven, studies }))).toContain('it can read 1 study and')
    const both = [...studies, ...(first === undefined ? [] : [first])]
    expect(drawn(consentPage({ ...proven, studies: both }))).toContain('it can read 2 studies and')
  })

  it('says so when there is nothing to see', () => {
    const shown = consentPage({ ...proven, studies: [], organizations: [] })
    expect(drawn(shown)).toContain('Your account sees no study and no organization now')
    expect(tags(shown, 'section')).toEqual([])
  })

  it('says that it is everything where it is, and what of it is named', () => {
    const shown = drawn(consentPage({ ...proven, everything: true }))
    expect(shown).toContain(
      'it can read everything: every study and every patient, because your account may see everything.',
    )
    expect(shown).not.toContain('3 studies')
    expect(shown).toContain('Every study and every patient of mcp.northlake.example, and so these.')
    expect(shown).toContain('Glucose at night')
    const nothing = drawn(consentPage({ ...proven, everything: true, studies: [], organizations: [] }))
    expect(nothing).toContain('Every study and every patient of mcp.northlake.example.')
    expect(nothing).not.toContain('sees no study')
    expect(drawn(consentPage(proven))).not.toContain('everything')
  })

  it('does with blank names', () => {
    const shown = drawn(consentPage(madeOf('\u200B')))
    expect(shown).toContain('a host without a name asks')
    expect(shown).toContain('Signed in asa person without a name')
    expect(shown).toContain('2 studies')
    const one = [{ id: '1', name: 'A', organization: '\u200B' }]
    expect(drawn(consentPage({ ...proven, studies: one }))).toContain(
      '1 study at an organization without a name',
    )
  })
})

describe('the other pages', () => {
  it('show an error by the texts of the catalog', () => {
    const shown = drawn(errorPage(failed))
    expect(shown).toContain(failed.message)
    expect(shown).toContain(failed.cure)
    expect(shown).toContain(failed.code)
  })

  it('go on by themselves and by a link, to one address', () => {
    const shown = continuePage(backTo)
    expect(values(shown, 'a', 'href')).toEqual(['/authorize/Zs7o2'])
    expect(values(shown, 'meta', 'content')).toContain('0;url=/authorize/Zs7o2')
    expect(drawn(shown)).toContain('Going back to claude.example')
    expect(drawn(continuePage({ ...backTo, redirectIsLoopback: true }))).toContain(
      'the program on this device',
    )
  })
})

describe('a text of somebody else', () => {
  const known = new Set(
    [
      proven,
      { ...proven, everything: true },
      many,
      madeOf('\u200B'),
      madeOf('x'.repeat(5000)),
      madeOf('a\u202Eb'),
    ]
      .map(consentPage)
      .concat(continuePage(backTo), errorPage(failed))
      .flatMap(skeleton),
  )
  const safe = (page: string) => {
    for (const piece of skeleton(page)) expect(known).toContain(piece)
    expect(tags(page, 'form').length).toBeLessThanOrEqual(1)
  }

  it('has no place in the pages for scripts, images, frames or styles of its own', () => {
    const names = [...known].join(' ').split(' ')
    for (const name of ['script', 'img', 'svg', 'iframe', 'formaction', 'onclick', 'src', 'target']) {
      expect(names).not.toContain(name)
    }
  })

  it.each(hostileTexts)('stays a text: %j', (hostile) => {
    const page = consentPage(madeOf(hostile))
    safe(page)
    safe(errorPage({ code: hostile, message: hostile, cure: hostile }))
    safe(continuePage({ href: hostile, redirectHost: hostile, redirectIsLoopback: false }))
    expect(values(page, 'form', 'action')).toEqual([hostile])
    const named = tags(page, 'input').map(({ attributes }) => attributes.get('value'))
    expect(named).toEqual([hostile, hostile])
    expect(values(page, 'button', 'value')).toEqual(['deny', 'allow'])
  })

  it('stays a text whatever it is', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(...hostileTexts),
      fc.constantFrom('<', '>', '"', "'", '&', '</', '<!--', '-->', '=', '`', '\u0000', '\n', 'on', '&#'),
    )
    const text = fc.array(piece, { maxLength: 8 }).map((parts) => parts.join(''))
    const optional = fc.option(text, { nil: undefined })
    const models: fc.Arbitrary<ConsentModel> = fc.record({
      clientName: optional,
      clientId: text,
      clientHost: optional,
      redirectHost: text,
      redirectIsLoopback: fc.boolean(),
      person: text,
      scopes: fc.array(fc.record({ scope: text, words: text }), { maxLength: 4 }),
      studies: fc.array(fc.record({ id: text, name: optional, organization: optional }), { maxLength: 8 }),
      organizations: fc.array(fc.record({ id: text, name: optional, role: optional }), { maxLength: 8 }),
      everything: fc.boolean(),
      resourceHost: text,
      action: text,
      csrf: text,
    })
    fc.assert(
      fc.property(models, (model) => {
        const page = consentPage(model)
        safe(page)
        expect(values(page, 'form', 'action')).toEqual([model.action])
        const named = tags(page, 'input').map(({ attributes }) => attributes.get('value'))
        expect(named).toEqual([model.csrf, ...model.scopes.map(({ scope }) => scope)])
      }),
      { numRuns: 300 },
    )
  })

  it('would be caught if it were not escaped', () => {
    const raw = consentPage(madeOf('MARK'))
    const markup = hostileTexts.filter((hostile) => /[<">]/.test(hostile))
    expect(markup.length).toBeGreaterThan(5)
    for (const hostile of markup) {
      expect(() => safe(raw.replaceAll('MARK', () => hostile))).toThrow()
    }
  })

  it('cannot hide whose host it is: hosts are shown whole', () => {
    const host = `claude.ai.${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.evil.example:65535`
    const page = drawn(consentPage({ ...proven, redirectHost: host, clientHost: host }))
    expect(page).toContain(`Answer goes to${host}`)
    expect(page).toContain(`${host} (“Claude”) asks`)
  })

  it('cannot end the quotation marks around it', () => {
    const clientName = 'Claude” of claude.ai asks “'
    const page = drawn(consentPage({ ...many, clientName }))
    expect(page).toContain("A program that calls itself “Claude' of claude.ai asks '” asks to read")
  })
})

describe('the headers of a page', () => {
  it('allow the one style that is in every page, by its hash', () => {
    for (const page of [consentPage(proven), errorPage(failed), continuePage(backTo)]) {
      const style = /<style>([\s\S]*)<\/style>/.exec(page)?.[1] ?? ''
      expect(style).not.toBe('')
      const hash = createHash('sha256').update(style).digest('base64')
      expect(contentSecurityPolicy).toContain(`style-src 'sha256-${hash}';`)
    }
  })

  it('allow nothing else', () => {
    const directives = contentSecurityPolicy.split('; ').map((one) => one.replace(/'sha256-[^']+'/, 'HASH'))
    expect(directives).toEqual([
      "default-src 'none'",
      'style-src HASH',
      "form-action 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ])
    expect(pageHeaders).toMatchObject({
      'content-security-policy': contentSecurityPolicy,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
  })
})

describe('the html template', () => {
  it('escapes texts, keeps markup, and leaves out what is undefined', () => {
    const inner = html`<b>${'<&>'}</b>`
    expect(html`<p title="${'"\''}">${inner}${[inner, inner]}${undefined}</p>`.toString()).toBe(
      '<p title="&quot;&#39;"><b>&lt;&amp;&gt;</b><b>&lt;&amp;&gt;</b><b>&lt;&amp;&gt;</b></p>',
    )
    expect(escapeHtml('a&amp;b')).toBe('a&amp;amp;b')
  })
})
