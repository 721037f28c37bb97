// The editors: CodeMirror with what this page needs of it, and no more.

import {defaultKeymap, history, historyKeymap, indentWithTab} from "@codemirror/commands";
import {indentUnit, syntaxHighlighting} from "@codemirror/language";
import {setDiagnostics} from "@codemirror/lint";
import {Annotation, EditorState} from "@codemirror/state";
import {EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers} from "@codemirror/view";
import {classHighlighter} from "@lezer/highlight";

/** Marks what the page itself writes into an editor. */
const byPage = Annotation.define();

/** An editor in `parent`; `onChange` is told what a person changes. In code, Tab indents until Escape was pressed. */
export function editor({parent, label, language, code = false, onChange}) {
  const view = new EditorView({
    parent,
    state: EditorState.create({
      extensions: [
        history(), drawSelection(), indentUnit.of("  "),
        code ? [lineNumbers(), highlightActiveLine()] : EditorView.lineWrapping,
        language, syntaxHighlighting(classHighlighter),
        keymap.of([...(code ? [indentWithTab] : []), ...defaultKeymap, ...historyKeymap]),
        EditorView.contentAttributes.of({"aria-label": label, tabindex: "0", autocapitalize: "off", autocorrect: "off", spellcheck: "false"}),
        EditorView.updateListener.of(update => {
          const own = update.transactions.some(transaction => transaction.annotation(byPage));
          if (update.docChanged && !own) onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    view,
    get text() {
      return view.state.doc.toString();
    },
    /** Writes it, if it is something else. */
    set text(text) {
      if (text === this.text) return;
      view.dispatch({changes: {from: 0, to: view.state.doc.length, insert: text}, annotations: byPage.of(true)});
    },
    /** Underlines problems, each with line and column from one. */
    set problems(problems) {
      const {doc} = view.state;
      const place = ({line, column, length, text}) => {
        const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
        // A place at the end of a line gets the character before it: nothing cannot be underlined.
        const from = Math.max(at.from, Math.min(at.from + column - 1, length ? at.to : at.to - 1));
        return {from, to: Math.max(from, Math.min(from + Math.max(length, 1), at.to)), severity: "error", message: text};
      };
      view.dispatch(setDiagnostics(view.state, problems.map(place)));
    },
    /** Goes there. */
    goTo({line, column}) {
      const at = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
      view.dispatch({selection: {anchor: Math.min(at.from + Math.max(column, 1) - 1, at.to)}, scrollIntoView: true});
      view.focus();
    },
  };
}
