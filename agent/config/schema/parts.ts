/**
 * The building blocks of the configuration's schema. The error of each block says what is wrong and what would be
 * right.
 */
import * as z from 'zod/mini';
import { show } from '../config-error.ts';
import { DURATION_PATTERN, durationProblem } from '../notation/quantities.ts';
import { isMap } from '../plain-map.ts';

type Meta = { description?: string; examples?: unknown[]; pattern?: string; enum?: string[]; [key: string]: unknown };

/** A map of known keys, any of which may be left out. */
export function section<Shape extends z.core.$ZodLooseShape>(shape: Shape, description: string) {
  return z.optional(z.strictObject(shape, { error: unknownKeys(shape) }).check(z.meta({ description })));
}

export function field<Type extends z.ZodMiniType>(type: Type, description: string, examples?: unknown[]) {
  return z.optional(type.check(z.meta(examples ? { description, examples } : { description })));
}

export function textField(wrong: (value: string) => string | undefined, meta: Meta) {
  return z.string().check(problem(wrong), z.meta(meta));
}

/** `zero`: whether `0s` is allowed beside `least` to `most`. */
export function durationField(least: string, most: string, zero = false) {
  const wrong = durationProblem({ least, most, zero });
  const error = ({ input }: { input?: unknown }) =>
    typeof input === 'number' ? `${input} has no unit; write ${input}s` : 'write a duration, such as 30s';
  return z.string({ error }).check(problem(wrong), z.meta({ pattern: DURATION_PATTERN }));
}

/** true or false. Words that YAML 1.1 took for booleans are text today. */
export function onOrOff() {
  return z.boolean({
    error: ({ input }) => {
      const word = String(Array.isArray(input) ? '' : typeof input === 'object' ? '' : input);
      if (/^(yes|on|1|true|enabled?)$/i.test(word)) return `${show(input)}: write true`;
      return /^(no|off|0|false|disabled?)$/i.test(word) ? `${show(input)}: write false` : 'write true or false';
    },
  });
}

/** A whole number. If the number is required and missing, the map around it reports that. */
export function between(least: number, most: number) {
  const message = `write a whole number from ${least} to ${most}`;
  const error = ({ input }: { input?: unknown }) => {
    const isQuoted = typeof input === 'string' && /^[1-9]\d{0,14}$/.test(input);
    if (isQuoted && Number(input) >= least && Number(input) <= most)
      return `is text; write it without quotes: ${input}`;
    return input === undefined ? undefined : message;
  };
  return z.int({ error }).check(z.gte(least, message), z.lte(most, message));
}

/**
 * A list without repeated items. `empty`: the error of a list without an item; `full`: the error of a list with more
 * than `most`.
 */
export function listField<Item extends z.core.SomeType>(
  item: Item,
  limits: { empty?: string; most?: number; full?: string } = {},
) {
  const { empty, most, full } = limits;
  const checks = [everyItemOnce(), z.meta({ uniqueItems: true })];
  if (empty !== undefined) checks.push(z.minLength(1, empty));
  if (most !== undefined) checks.push(z.maxLength(most, full));
  return z.array(item).check(...checks);
}

/** The error for a value of the wrong type. An operator who wrote a boolean most likely meant a number. */
export function orZeroOne(otherwise: string) {
  return ({ input }: { input?: unknown }) =>
    typeof input === 'boolean' ? `${input}: write ${Number(input)}` : otherwise;
}

/** The message of zod's issue carries the known keys, and `explain` compares them with the unknown key. */
export function unknownKeys(shape: object) {
  return ({ code }: { code?: string }) => (code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : undefined);
}

/** Checks a value only if it has no other error: a rule with a misspelt `atLeast` must not also lack `atLeast`. */
export function problem<T>(wrong: (value: T) => string | undefined) {
  return z.check<T>((context) => {
    const message = context.issues.length === 0 ? wrong(context.value) : undefined;
    if (message !== undefined) context.issues.push({ code: 'custom', input: context.value, message });
  });
}

function everyItemOnce() {
  return evenIfWrong<unknown[]>(Array.isArray, ({ value, issues }) => {
    const seen = new Set<unknown>();
    for (const [i, item] of value.entries()) {
      if (typeof item === 'string' && seen.has(item)) {
        const message = `${show(item)} is listed above already; keep one of them`;
        issues.push({ code: 'custom', input: item, path: [i], message });
      }
      seen.add(item);
    }
  });
}

/** The problem that a checker found; undefined if there is none. */
export function problemOf(checked: { readonly value: unknown } | { readonly problem: string }): string | undefined {
  return 'problem' in checked ? checked.problem : undefined;
}

export function everyEntry(wrong: (key: string, value: unknown) => string | undefined) {
  return evenIfWrong<Record<string, unknown>>(isMap, ({ value, issues }) => {
    for (const [key, entry] of Object.entries(value)) {
      const message = wrong(key, entry);
      if (message !== undefined) issues.push({ code: 'custom', input: entry, path: [key], message });
    }
  });
}

/** zod skips this check for a list or map with an error in it. We want all errors at once, so the check always runs. */
function evenIfWrong<T>(fits: (value: unknown) => boolean, check: z.core.CheckFn<T>) {
  return z.check<T>(check, { when: ({ value }: z.core.ParsePayload) => fits(value) } as object);
}
