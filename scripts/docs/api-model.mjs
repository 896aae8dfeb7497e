// @ts-check
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'

/**
 * What API Extractor says of one declaration.
 *
 * @typedef {{ kind: string, name?: string, docComment?: string, excerptTokens?: { text: string }[], members?: Item[] }} Item
 */

/** As the project is compiled; the name of AbortSignal is found in the library of browsers alone. */
const compilerOptions = {
  target: 'ES2022',
  lib: ['ES2023', 'DOM'],
  module: 'NodeNext',
  moduleResolution: 'NodeNext',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  allowImportingTsExtensions: true,
  noEmit: true,
}

/**
 * The exports of a declaration file of the build. Throws where it does not compile.
 *
 * @param {string} root @param {string} entry
 * @returns {Item}
 */
export function modelOf(root, entry) {
  const folder = mkdtempSync(join(tmpdir(), 'fhir-mcp-api-'))
  try {
    const [packageJson, model] = [join(folder, 'package.json'), join(folder, 'model.api.json')]
    writeFileSync(packageJson, JSON.stringify({ name: 'model', version: '0.0.0' }))
    const declarations = join(root, entry)
    const silent = { default: { logLevel: ExtractorLogLevel.None } }
    const config = ExtractorConfig.prepare({
      configObjectFullPath: undefined,
      packageJsonFullPath: packageJson,
      configObject: {
        projectFolder: root,
        mainEntryPointFilePath: declarations,
        compiler: { overrideTsconfig: { compilerOptions, files: [declarations] } },
        apiReport: { enabled: false },
        dtsRollup: { enabled: false },
        tsdocMetadata: { enabled: false },
        docModel: { enabled: true, apiJsonFilePath: model },
        messages: { extractorMessageReporting: silent, tsdocMessageReporting: silent },
      },
    })
    const wrong = /** @type {string[]} */ ([])
    const messageCallback = (/** @type {import('@microsoft/api-extractor').ExtractorMessage} */ message) => {
      if (message.logLevel === ExtractorLogLevel.Error) wrong.push(message.text)
      message.handled = true
    }
    const { succeeded } = Extractor.invoke(config, { localBuild: true, messageCallback })
    if (!succeeded) throw new Error(`${entry} cannot be read: ${wrong.join('; ')}`)
    const { members } = JSON.parse(readFileSync(model, 'utf8'))
    return { ...members[0], docComment: JSON.parse(readFileSync(model, 'utf8')).docComment }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
