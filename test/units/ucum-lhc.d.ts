/** What the tests use of a package that has no types. */
declare module '@lhncbc/ucum-lhc' {
  interface Unit {
    readonly isSpecial_: boolean
  }
  interface NamedUnit {
    readonly csCode_: string
    readonly name_: string
    readonly printSymbol_: string | null
    /** Several, with `;` between them. */
    readonly synonyms_: string | null
  }
  export class UnitTables {
    static getInstance(): UnitTables
    allUnitsByDef(): NamedUnit[]
  }
  export class UcumLhcUtils {
    static getInstance(): UcumLhcUtils
    getSpecifiedUnit(code: string, purpose: 'validate'): { status?: string; unit: Unit | null }
    convertUnitTo(from: string, value: number, to: string): { status: string; toVal: number | null }
  }
}
