import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const calm = new URL('test/calm.mjs', import.meta.url)

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/live/**'],
    restoreMocks: true,
    // They end tests that hang. On a loaded machine everything takes its time, so nothing here is meant to be near.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
    expect: { poll: { timeout: 120_000 } },
    setupFiles: [fileURLToPath(calm)],
    // Half of the time goes by waiting for processes and sockets, so no core is left out for it.
    maxWorkers: '100%',
    // Gateways of tests leave their records where those of nobody are.
    env: { XDG_STATE_HOME: join(tmpdir(), 'fhir-mcp-tests'), NODE_OPTIONS: `--import=${calm.href}` },
    coverage: {
      include: ['src/**/*.ts', 'plugins/**/*.ts'],
      exclude: ['src/demo/**'],
      thresholds: {
        lines: 90,
        statements: 90,
        functions: 90,
        branches: 85,
        'src/access/**': { 100: true },
        'src/identity/**': { 100: true },
      },
    },
  },
})
