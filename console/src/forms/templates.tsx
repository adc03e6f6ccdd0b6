import type {
  ArrayFieldItemTemplateProps,
  ArrayFieldTemplateProps,
  FieldErrorProps,
  FieldTemplateProps,
  IconButtonProps,
  ObjectFieldTemplateProps,
} from "@rjsf/utils";
import { ADDITIONAL_PROPERTY_FLAG } from "@rjsf/utils";
import { DownIcon, PlusIcon, TrashIcon, UpIcon } from "../parts/icons";
import type { JsonObject } from "../rtvi/json";
import type { FieldFacts, FormContext } from "./context";
import { boundsWords } from "./summary";
import { hasSlider } from "./widgets";
import { MISSING } from "./wording";

function contextOf(registry: { formContext?: unknown }): FormContext {
  return registry.formContext as FormContext;
}

/** A row: name, badge, description, control, faults. */
function FieldTemplate(props: FieldTemplateProps<unknown>) {
  const { id, children, errors, fieldPathId, required, hidden, schema, registry, rawDescription, displayLabel } = props;
  const { facts, whole } = contextOf(registry);
  const { path } = fieldPathId;
  const name = path.at(-1);
  if (hidden) return <div hidden>{children}</div>;
  if (name === undefined) return <>{children}</>;
  const fact: FieldFacts = path.length === 1 ? (facts[String(name)] ?? {}) : {};
  if (fact.isFiltered) return <div hidden>{children}</div>;
  const isExtra = ADDITIONAL_PROPERTY_FLAG in schema;
  const isItem = typeof name === "number";
  const isGroup = !displayLabel && schema.type !== "boolean";
  const label = isItem ? "" : path.length === 1 && name === whole ? "" : String(name);
  const faulty = told(props.rawErrors, registry).length > 0;
  const bounds = hasSlider(schema) ? "" : boundsWords(schema as JsonObject);
  return (
    <div
      id={fact.anchor}
      className={`field${faulty ? " is-faulty" : ""}${fact.now === undefined ? "" : " is-changed"}`}
    >
      {(!label || isExtra) && !isGroup && (
        <label className="visually-hidden" htmlFor={id}>
          {isItem ? `item ${name + 1}` : isExtra ? `value of ${label}` : "value"}
        </label>
      )}
      {(label || fact.badge) && (
        <div className="field-head">
          {isExtra ? null : isGroup ? (
            <span className="field-name">{label}</span>
          ) : (
            <label className="field-name" htmlFor={id}>
              {label}
            </label>
          )}
          {required && label && <span className="badge">required</span>}
          {fact.badge && <span className="badge">{fact.badge}</span>}
          {bounds && (
            <span id={`${id}__bounds`} className="field-bounds">
              {bounds}
            </span>
          )}
          {isExtra && <ExtraKey {...props} />}
        </div>
      )}
      {(rawDescription || fact.why) && (
        <p id={`${id}__description`} className="field-text">
          {rawDescription}
          {fact.why && <span className="field-why"> {fact.why}</span>}
        </p>
      )}
      {isItem && isGroup ? children : <div className="field-control">{children}</div>}
      {errors}
      {fact.now !== undefined && (
        <p className="field-now">
          The bot has <code>{fact.now}</code>
          {fact.onReset && (
            <button type="button" className="link" onClick={fact.onReset}>
              Undo<span className="visually-hidden"> the change of {label}</span>
            </button>
          )}
        </p>
      )}
      {fact.fallback !== undefined && <Fallback fact={fact} label={label} />}
    </div>
  );
}

/** What an option is by default, and the way back to it. */
function Fallback({ fact, label }: { fact: FieldFacts; label: string }) {
  return (
    <p className="field-fallback">
      <span>
        Default <code>{fact.fallback}</code>
      </span>
      {fact.onFallback && (
        <button type="button" className="quiet" disabled={fact.isFallback} onClick={fact.onFallback}>
          Reset<span className="visually-hidden"> {label} to its default</span>
        </button>
      )}
    </p>
  );
}

/** The name of a property that people may name themselves. */
function ExtraKey({ id, label, onKeyRenameBlur, onRemoveProperty, disabled, readonly }: FieldTemplateProps<unknown>) {
  return (
    <span className="extra-key">
      <input
        className="control"
        aria-label={`name of ${label}`}
        id={`${id}-key`}
        type="text"
        defaultValue={label}
        disabled={disabled || readonly}
        onBlur={onKeyRenameBlur}
      />
      <button type="button" className="icon" aria-label={`remove ${label}`} onClick={onRemoveProperty}>
        <TrashIcon />
      </button>
    </span>
  );
}

function FieldErrorTemplate({ errors, fieldPathId, registry }: FieldErrorProps<unknown>) {
  return (
    <div id={`${fieldPathId.$id}__error`} aria-live="polite">
      {told(errors, registry).map((error) => (
        <p key={error} className="fault">
          {error}
        </p>
      ))}
    </div>
  );
}

/** The faults that are to be seen. */
function told(errors: unknown[] | undefined, registry: { formContext?: unknown }): string[] {
  const texts = [...new Set((errors ?? []).map(String))];
  return contextOf(registry).tellsMissing ? texts : texts.filter((text) => text !== MISSING);
}

function ObjectFieldTemplate(props: ObjectFieldTemplateProps<unknown>) {
  const { properties, fieldPathId, schema, disabled, readonly, onAddProperty } = props;
  const isRoot = fieldPathId.path.length === 0;
  const content = properties.map((property) => property.content);
  if (isRoot) return <>{content}</>;
  const mayGrow = typeof schema.additionalProperties === "object" && schema.additionalProperties !== null;
  return (
    <fieldset className="group" aria-label={String(fieldPathId.path.at(-1))}>
      {content}
      {mayGrow && !disabled && !readonly && (
        <button type="button" className="quiet" onClick={onAddProperty}>
          <PlusIcon /> Add a property
        </button>
      )}
    </fieldset>
  );
}

function ArrayFieldTemplate(props: ArrayFieldTemplateProps<unknown>) {
  const { items, canAdd, onAddClick, disabled, readonly, fieldPathId } = props;
  const name = String(fieldPathId.path.at(-1) ?? "items");
  return (
    <fieldset className="group list" aria-label={name} id={fieldPathId.$id}>
      {items.length === 0 && <p className="muted">No items.</p>}
      {items}
      {canAdd && !disabled && !readonly && (
        <button type="button" className="quiet" onClick={onAddClick}>
          <PlusIcon /> Add to {name}
        </button>
      )}
    </fieldset>
  );
}

function ArrayFieldItemTemplate({ children, buttonsProps, index }: ArrayFieldItemTemplateProps<unknown>) {
  const { hasMoveUp, hasMoveDown, hasRemove, onMoveUpItem, onMoveDownItem, onRemoveItem, disabled, readonly } =
    buttonsProps;
  const item = `item ${index + 1}`;
  return (
    <div className="item">
      <div className="item-content">{children}</div>
      {!disabled && !readonly && (
        <div className="item-buttons">
          {hasMoveUp && (
            <button type="button" className="icon" aria-label={`move ${item} up`} onClick={onMoveUpItem}>
              <UpIcon />
            </button>
          )}
          {hasMoveDown && (
            <button type="button" className="icon" aria-label={`move ${item} down`} onClick={onMoveDownItem}>
              <DownIcon />
            </button>
          )}
          {hasRemove && (
            <button type="button" className="icon" aria-label={`remove ${item}`} onClick={onRemoveItem}>
              <TrashIcon />
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function Nothing() {
  return null;
}

function AddButton({ onClick, disabled }: IconButtonProps) {
  return (
    <button type="button" className="quiet" onClick={onClick} disabled={disabled}>
      <PlusIcon /> Add
    </button>
  );
}

export const templates = {
  FieldTemplate,
  FieldErrorTemplate,
  ObjectFieldTemplate,
  ArrayFieldTemplate,
  ArrayFieldItemTemplate,
  TitleFieldTemplate: Nothing,
  DescriptionFieldTemplate: Nothing,
  ArrayFieldTitleTemplate: Nothing,
  ArrayFieldDescriptionTemplate: Nothing,
  FieldHelpTemplate: Nothing,
  ButtonTemplates: { AddButton, SubmitButton: Nothing },
};
