import type { BrokerSettings } from '../broker/options.ts'
import type { CommandValues } from '../config/env.ts'
import type { Options } from '../config/options.ts'
import type { LoginSettings } from '../login/settings.ts'
import type { TokenFile } from '../login/token-file.ts'

/** A usable configuration, as all checks but the first get it. */
export interface CheckSetting {
  /** With the audience that is in force, the client of the sign-in among those accepted, and requests of 10 seconds at most. */
  readonly options: Options
  readonly broker: BrokerSettings | undefined
  readonly command: CommandValues
  /** The sign-in of stdio, where one is configured. */
  readonly login: { readonly settings: LoginSettings; readonly file: TokenFile } | undefined
}
