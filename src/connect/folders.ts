import { posix, win32 } from 'node:path'
import type { Machine } from './client.ts'

/** Joins by the rules of the machine that the path is for. */
export function pathOn({ platform }: Machine, ...parts: readonly string[]): string {
  return (platform === 'win32' ? win32 : posix).join(...parts)
}

/** Where applications keep a person's settings: Application Support, APPDATA, or XDG_CONFIG_HOME. */
export function settingsFolder(machine: Machine): string {
  const { platform, home, environment } = machine
  if (platform === 'darwin') return pathOn(machine, home, 'Library', 'Application Support')
  if (platform === 'win32') return environment.APPDATA ?? pathOn(machine, home, 'AppData', 'Roaming')
  return environment.XDG_CONFIG_HOME ?? pathOn(machine, home, '.config')
}
