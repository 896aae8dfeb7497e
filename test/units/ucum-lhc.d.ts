/** What the tests use of a package that has no types. */
declare module '@lhncbc/ucum-lhc' {
  interface Unit {
    readonly isSpecial_: boolean
  }
  export class UcumLhcUtils {
    static getInstance(): UcumLhcUtils
    getSpecifiedUnit(code: string, purpose: 'validate'): { status?: string; unit: Unit | null }
    convertUnitTo(from: string, value: number, to: string): { status: string; toVal: number | null }
  }
}
