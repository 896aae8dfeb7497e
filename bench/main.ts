import { parseArguments, usage } from './frame/arguments.ts'
import { runBench } from './run.ts'

try {
  process.exitCode = await runBench(parseArguments(process.argv.slice(2)))
} catch (thrown) {
  console.error(thrown instanceof TypeError ? `${thrown.message}\n${usage}` : thrown)
  process.exitCode = 2
}
