import eslint from '@eslint/js'
import tseslint from 'typescript-eslint'

/** Where a name of the language or a global is refused, and what to do instead. */
const refusedSyntax = [
  { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
  { selector: 'ExportSpecifier[exported.name="default"]', message: 'Named exports only.' },
  { selector: 'ExportAllDeclaration', message: 'List exports by name: what is public is decided line by line.' },
  { selector: 'TSEnumDeclaration', message: 'Use a union of string literals.' },
  { selector: ':matches(PropertyDefinition, MethodDefinition, TSParameterProperty)[accessibility="private"]', message: 'Use #private.' },
  { selector: 'TSInterfaceDeclaration[id.name=/^I[A-Z][a-z]/]', message: 'Name the thing, without an I.' },
  { selector: 'ClassDeclaration[id.name=/Impl$/]', message: 'Name what makes this class different, not that it is one.' },
]

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'temp/', 'api-docs/', 'node_modules/', 'etc/'] },
  {
    // A rule that does not fit is changed here, with its reason, never switched off in the middle of a file.
    linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' },
  },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
  },
  {
    rules: {
      'semi': ['error', 'never'],
      'quotes': ['error', 'single', { avoidEscape: true, allowTemplateLiterals: true }],
      'max-len': ['error', { code: 160, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }],
      'no-trailing-spaces': 'error',
      'eol-last': 'error',
      'eqeqeq': ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'object-shorthand': 'error',
      'no-promise-executor-return': 'off',
      'no-restricted-syntax': ['error', ...refusedSyntax],
    },
  },
  {
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': ['error', { checkThenables: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true, ignoreVoidOperator: true, ignoreVoidReturningFunctions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_', ignoreRestSiblings: true }],
      // `async` without `await` is how a synchronous throw is turned into a rejection, and how a port's signature is met.
      '@typescript-eslint/require-await': 'off',
      // The row type of `query<Row>()` stands once in the signature by design: it is the caller's word about the result.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // Fields change during an `await`, which the compiler's narrowing does not see: checking twice is sound there.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // Overloads with one TSDoc each read better than one signature with a union in the middle.
      '@typescript-eslint/unified-signatures': 'off',
      // `return void reject(…)` leaves a callback early and says that there is no value.
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      // `() => {}` says "nothing to do" in a null object or a swallowed late rejection.
      '@typescript-eslint/no-empty-function': 'off',
      // Both forms are in use: `Record` for maps, an index signature where the key deserves a name.
      '@typescript-eslint/consistent-indexed-object-style': 'off',
      // `||` is meant wherever an empty string or 0 also means "not given".
      '@typescript-eslint/prefer-nullish-coalescing': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 300 }],
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true, IIFEs: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config/env.ts', 'src/cli/**', 'src/testing/**'],
    rules: {
      'no-restricted-properties': ['error', { object: 'process', property: 'env', message: 'Only config/env.ts, cli/ and testing/ read the environment.' }],
      'no-restricted-imports': ['error', {
        paths: ['process', 'node:process'].map((name) => ({ name, importNames: ['env', 'default'], message: 'Only config/env.ts, cli/ and testing/ read the environment.' })),
      }],
    },
  },
  {
    // These two talk to people: stdout is their interface.
    files: ['src/cli/**/*.ts', 'bench/**', 'scripts/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      // A wrong assumption fails the test anyway.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      '@typescript-eslint/unbound-method': 'off',
      // A stand-in has the shape it needs, not the constructor.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
    },
  },
  {
    // Runs in a browser, as it stands.
    files: ['src/http/dashboard/assets/*.js'],
    languageOptions: {
      globals: Object.fromEntries(['document', 'window', 'EventSource', 'uPlot', 'matchMedia', 'getComputedStyle'].map((name) => [name, 'readonly'])),
    },
  },
  {
    // Tools that load these by name want a default export.
    files: ['*.config.ts', '*.config.js', '.size-limit.js'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    languageOptions: { globals: { console: 'readonly', process: 'readonly', URL: 'readonly', setTimeout: 'readonly', setInterval: 'readonly', performance: 'readonly', module: 'writable', require: 'readonly' } },
  },
)
