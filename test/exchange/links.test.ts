import { describe, expect, it } from 'vitest'
import { nextLinkOf, pageUrl } from '../../src/exchange/links.ts'
import type { Bundle } from '../../src/fhir/types.ts'

const base = 'https://fhir.example:8443/r4/fhir'
const pageLink = '?_getpages=6450a8f9-8e16-4deb-87c3-bb6f3354a98c&_getpagesoffset=20&_count=20'
const rejected = expect.objectContaining({ code: 'FHIR_MCP_EXCHANGE_REJECTED' })

function bundleWith(url: string): Bundle {
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    link: [
      { relation: 'self', url: 'https://elsewhere.example/' },
      { relation: 'next', url },
    ],
  }
}

describe('the next link of a Bundle', () => {
  it('is undefined where there is none', () => {
    expect(nextLinkOf(base, { resourceType: 'Bundle', type: 'searchset' })).toBeUndefined()
    expect(nextLinkOf(base, { resourceType: 'Bundle', type: 'searchset', link: [] })).toBeUndefined()
  })

  it.each([
    [`${base}${pageLink}`, pageLink],
    [`${base}/${pageLink}`, pageLink],
    [`${base}/Observation?patient=1&_page=2`, 'Observation?patient=1&_page=2'],
    [`${base}/Observation?patient=1#x`, 'Observation?patient=1'],
    [`${base}/Patient/1/_history?page=2`, 'Patient/1/_history?page=2'],
    ['HTTPS://FHIR.EXAMPLE:8443/r4/fhir/Observation?a=..', 'Observation?a=..'],
    ['Observation?_page=2', 'Observation?_page=2'],
    [pageLink, pageLink],
    ['/r4/fhir/Observation?_page=2', 'Observation?_page=2'],
    ['https://fhir.example:8443:443/r4/fhir/Observation?_page=2', 'Observation?_page=2'],
    ['https://fhir.example:8443:8443/r4/fhir/Observation?_page=2', 'Observation?_page=2'],
  ])('on the base is taken as it is: %s', (url, link) => {
    expect(nextLinkOf(base, bundleWith(url))).toBe(link)
  })

  it.each([
    `http://fhir.example:8443/r4/fhir${pageLink}`,
    `https://10.0.0.7/hapi/fhir${pageLink}`,
    `https://fhir.example.evil.example/r4/fhir${pageLink}`,
    `https://fhir.example:8443/other${pageLink}`,
    `https://fhir.example:8443:443/r4/fhir${pageLink}`,
    `http://10.0.0.7:8080:80/hapi/fhir${pageLink}`,
    `http://[::1]:8080:80/hapi/fhir${pageLink}`,
  ])('of HAPI that names another place is rebuilt on the base from its query: %s', (url) => {
    const link = nextLinkOf(base, bundleWith(url)) ?? ''
    expect(link).toBe(pageLink)
    expect(pageUrl(base, link)).toBe(`${base}${pageLink}`)
  })

  it.each([
    'https://evil.example/r4/fhir/Observation?_page=2',
    'https://fhir.example/r4/fhir/Observation?_page=2',
    'http://fhir.example:8443/r4/fhir/Observation?_page=2',
    'https://fhir.example:8443.evil.example/r4/fhir/Observation',
    'https://fhir.example:8443@evil.example/r4/fhir/Observation',
    'https://fhir.example:8443:443@evil.example/r4/fhir/Observation',
    'https://fhir.example:443:8443/r4/fhir/Observation?_page=2',
    'https://evil.example:8443:443/r4/fhir/Observation?_page=2',
    'https://fhir.example:8443:443:443/r4/fhir/Observation?_page=2',
    'https://user:pass@fhir.example:8443/r4/fhir/Observation?_page=2',
    `https://user@fhir.example:8443/r4/fhir${pageLink}`,
    'https://fhir.example:8443/r4/fhirx/Observation?_page=2',
    'https://fhir.example:8443/r4',
    'https://fhir.example:8443/admin?x=1',
    `${base}/../admin?x=1`,
    `${base}/../fhir/Observation?x=1`,
    `${base}/..%2f..%2fadmin?x=1`,
    `${base}/%2e%2e/admin?x=1`,
    `${base}/Observation%5c..?x=1`,
    `${base}\\..\\admin`,
    '../admin?x=1',
    `../admin${pageLink}`,
    '//evil.example/r4/fhir/Observation?_page=2',
    '\\\\evil.example\\r4\\fhir\\Observation',
    '/\\evil.example/r4/fhir/Observation',
    'javascript:alert(1)?_getpages=1',
    'file:///r4/fhir?_getpages=1',
    'https://evil.example/?_getpages=',
    'https://[',
  ])('that leads elsewhere is rejected: %s', (url) => {
    expect(() => nextLinkOf(base, bundleWith(url))).toThrow(rejected)
  })

  it('that cannot be read is rejected, for the answer would be incomplete without it', () => {
    const bundle: Bundle = JSON.parse(
      '{"resourceType":"Bundle","type":"searchset","link":[{"relation":"next"}]}',
    )
    expect(() => nextLinkOf(base, bundle)).toThrow(rejected)
  })

  it('is taken on a server without a path too', () => {
    const root = 'https://fhir.example'
    expect(nextLinkOf(root, bundleWith(`${root}/${pageLink}`))).toBe(pageLink)
    expect(nextLinkOf(root, bundleWith(`${root}/Patient?page=2`))).toBe('Patient?page=2')
    expect(() => nextLinkOf(root, bundleWith('https://evil.example/Patient?page=2'))).toThrow(rejected)
  })
})

describe('the URL of a page', () => {
  it.each([
    ['Observation?_page=2', `${base}/Observation?_page=2`],
    [pageLink, `${base}${pageLink}`],
  ])('is that of the link on the base: %s', (link, url) => {
    expect(pageUrl(base, link)).toBe(url)
  })

  it.each([
    '',
    '#x',
    'https://evil.example/r4/fhir/Observation',
    `https://10.0.0.7/hapi/fhir${pageLink}`,
    '//evil.example/',
    '../admin?x=1',
    '/admin',
    'https://[',
  ])('is refused for what no Bundle can have named: %j', (link) => {
    expect(() => pageUrl(base, link)).toThrow(expect.objectContaining({ code: 'FHIR_MCP_INVALID_ARGUMENT' }))
  })
})
