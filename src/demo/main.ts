import { runDemo } from './demo.ts'

const stopped = () =>
  new Promise((resolve) => {
    process.once('SIGINT', resolve).once('SIGTERM', resolve)
  })

// A reader that has seen enough, such as `head`, closes the pipe.
process.stdout.on('error', () => process.exit())

try {
  process.exitCode = await runDemo(process.argv.slice(2), stopped)
} catch (thrown) {
  const { message, cause } = thrown instanceof Error ? thrown : new Error(String(thrown))
  const why = cause instanceof Error ? `: ${cause.message}` : ''
  process.stderr.write(
    `The demo could not run: ${message}${why}\nnpm run demo -- [--hapi URL] [--serve] [--port N]\n`,
  )
  process.exitCode = 2
}
