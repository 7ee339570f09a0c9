#!/usr/bin/env python3
"""Prints every public item of a crate, one a line, from the JSON that rustdoc writes.

What is re-exported stands where a user finds it. Implementations of auto traits and blanket
implementations are left out. scripts/public_api.sh compares the list with docs/public_api.txt.
"""

import json
import sys

# The versions of rustdoc's JSON that this was tried with.
KNOWN_FORMATS = [57]
# Paths that every Rust program has by their last name.
PRELUDE = {
    "alloc::boxed::Box", "alloc::string::String", "alloc::vec::Vec", "core::clone::Clone", "core::cmp::Eq",
    "core::cmp::PartialEq", "core::convert::AsRef", "core::convert::From", "core::default::Default",
    "core::iter::traits::iterator::Iterator", "core::marker::Copy", "core::marker::Send", "core::marker::Sized",
    "core::marker::Sync", "core::ops::drop::Drop", "core::ops::function::Fn", "core::ops::function::FnMut",
    "core::ops::function::FnOnce", "core::option::Option", "core::result::Result",
}


class Api:
    def __init__(self, crate):
        self.index, self.paths = crate["index"], crate["paths"]
        self.public, self.lines = {}, set()

    def item(self, key):
        return self.index.get(str(key))

    def add(self, path, line):
        """A line of the list, which stands where its path does."""
        self.lines.add((path, line))

    def walk(self, key, path, action):
        """Calls `action` for each item that can be named, with the path it has for a user."""
        item = self.item(key)
        kind, inner = next(iter(item["inner"].items()))
        if kind == "use":
            target = self.item(inner["id"]) if inner["id"] is not None else None
            if target is None:
                self.add(path, f"pub use {path}::{inner['name']} = {inner['source']}")
            elif inner["is_glob"]:
                for child in next(iter(target["inner"].values()))["items"]:
                    self.walk(child, path, action)
            else:
                self.walk_named(inner["id"], f"{path}::{inner['name']}", action)
        elif item["name"]:
            self.walk_named(key, f"{path}::{item['name']}" if path else item["name"], action)

    def walk_named(self, key, path, action):
        item = self.item(key)
        kind, inner = next(iter(item["inner"].items()))
        action(key, item, kind, inner, path)
        if kind == "module":
            for child in inner["items"]:
                self.walk(child, path, action)

    def remember(self, key, _item, _kind, _inner, path):
        if str(key) not in self.public or len(path) < len(self.public[str(key)]):
            self.public[str(key)] = path

    # Types, as they are written.

    def name(self, path):
        key = str(path["id"])
        known = self.paths.get(key)
        full = self.public.get(key) or ("::".join(known["path"]) if known else path["path"])
        return (full.rsplit("::", 1)[-1] if full in PRELUDE else full) + self.arguments(path.get("args"))

    def arguments(self, args):
        if not args:
            return ""
        if "parenthesized" in args:
            output = args["parenthesized"]["output"]
            inputs = ", ".join(self.type(one) for one in args["parenthesized"]["inputs"])
            return f"({inputs})" + (f" -> {self.type(output)}" if output else "")
        if "angle_bracketed" not in args:
            return "(..)"
        inner = [self.argument(one) for one in args["angle_bracketed"]["args"]]
        for one in args["angle_bracketed"]["constraints"]:
            binding = one["binding"]
            if "equality" in binding:
                value = f" = {self.term(binding['equality'])}"
            else:
                value = f": {self.bounds(binding['constraint'])}"
            inner.append(one["name"] + self.arguments(one.get("args")) + value)
        return f"<{', '.join(inner)}>" if inner else ""

    def argument(self, arg):
        kind, inner = next(iter(arg.items())) if isinstance(arg, dict) else (arg, None)
        if kind == "type":
            return self.type(inner)
        return {"lifetime": inner, "const": inner and kind == "const" and inner["expr"]}.get(kind, "_")

    def term(self, term):
        return self.type(term["type"]) if "type" in term else term["constant"]["expr"]

    def bounds(self, bounds):
        return " + ".join(self.bound(one) for one in bounds)

    def bound(self, bound):
        kind, inner = next(iter(bound.items()))
        if kind == "outlives":
            return inner
        if kind == "use":
            return "use<" + ", ".join(next(iter(one.values())) for one in inner) + ">"
        mark = {"none": "", "maybe": "?", "maybe_const": "~const "}[inner["modifier"]]
        return mark + self.higher(inner["generic_params"]) + self.name(inner["trait"])

    def higher(self, params):
        return f"for<{', '.join(one['name'] for one in params)}> " if params else ""

    def type(self, of):
        if isinstance(of, str):
            return "_"
        kind, inner = next(iter(of.items()))
        if kind in ("generic", "primitive"):
            return "!" if inner == "never" else inner
        if kind == "resolved_path":
            return self.name(inner)
        if kind == "borrowed_ref":
            lifetime = f"{inner['lifetime']} " if inner["lifetime"] else ""
            return f"&{lifetime}{'mut ' if inner['is_mutable'] else ''}{self.type(inner['type'])}"
        if kind == "raw_pointer":
            return f"*{'mut' if inner['is_mutable'] else 'const'} {self.type(inner['type'])}"
        if kind == "slice":
            return f"[{self.type(inner)}]"
        if kind == "array":
            return f"[{self.type(inner['type'])}; {inner['len']}]"
        if kind == "tuple":
            return f"({', '.join(self.type(one) for one in inner)})"
        if kind == "impl_trait":
            return f"impl {self.bounds(inner)}"
        if kind == "dyn_trait":
            traits = " + ".join(self.higher(one["generic_params"]) + self.name(one["trait"]) for one in inner["traits"])
            return f"dyn {traits}" + (f" + {inner['lifetime']}" if inner["lifetime"] else "")
        if kind == "qualified_path":
            of, trait = self.type(inner["self_type"]), inner["trait"]
            return (f"<{of} as {self.name(trait)}>" if trait and trait["path"] else of) + f"::{inner['name']}"
        if kind == "function_pointer":
            return f"fn{self.signature(inner['sig'])}"
        raise ValueError(f"a type of a kind that this script does not know: {kind}")

    def signature(self, sig):
        inputs = []
        for name, of in sig["inputs"]:
            of = self.type(of)
            receiver = {"Self": "self", "&Self": "&self", "&mut Self": "&mut self"}.get(of) if name == "self" else None
            inputs.append(receiver or f"{name}: {of}")
        output = sig["output"]
        return f"({', '.join(inputs)})" + (f" -> {self.type(output)}" if output else "")

    def generics(self, generics):
        """The parameters, and what stands behind `where`. What `impl Trait` adds is shown there."""
        shown = []
        for one in generics["params"]:
            kind, inner = next(iter(one["kind"].items()))
            if kind == "lifetime":
                shown.append(one["name"])
            elif kind == "const":
                shown.append(f"const {one['name']}: {self.type(inner['type'])}")
            elif not inner["is_synthetic"]:
                shown.append(one["name"] + (f": {self.bounds(inner['bounds'])}" if inner["bounds"] else ""))
        where = []
        for one in generics["where_predicates"]:
            kind, inner = next(iter(one.items()))
            if kind == "bound_predicate":
                of = self.higher(inner["generic_params"]) + self.type(inner["type"])
                where.append(f"{of}: {self.bounds(inner['bounds'])}")
            elif kind == "lifetime_predicate":
                where.append(f"{inner['lifetime']}: {' + '.join(inner['outlives'])}")
            else:
                where.append(f"{self.type(inner['lhs'])} == {self.term(inner['rhs'])}")
        return f"<{', '.join(shown)}>" if shown else "", f" where {', '.join(where)}" if where else ""

    # Items.

    def show(self, key, item, kind, inner, path):
        if path != self.public[str(key)]:
            self.add(path, f"pub use {path} = {self.public[str(key)]}")
            return
        marks = self.marks(item)
        if kind == "module":
            self.add(path, f"pub mod {path}")
        elif kind == "function":
            self.add(path, marks + self.function(inner, path, "pub "))
        elif kind == "constant":
            value = inner["const"]["value"] or inner["const"]["expr"]
            self.add(path, f"pub const {path}: {self.type(inner['type'])} = {value}")
        elif kind in ("struct", "enum"):
            params, where = self.generics(inner["generics"])
            self.add(path, f"{marks}pub {kind} {path}{params}{where}")
            if kind == "struct":
                self.fields(inner["kind"], path, "pub ")
            for variant in inner.get("variants", []):
                self.variant(self.item(variant), path)
            self.implementations(inner["impls"], path)
        elif kind == "trait":
            params, where = self.generics(inner["generics"])
            bounds = f": {self.bounds(inner['bounds'])}" if inner["bounds"] else ""
            self.add(path, f"pub trait {path}{params}{bounds}{where}")
            self.members(inner["items"], path, "")
        elif kind == "type_alias":
            params, where = self.generics(inner["generics"])
            self.add(path, f"pub type {path}{params}{where} = {self.type(inner['type'])}")
        else:
            raise ValueError(f"{path} is of a kind that this script does not know: {kind}")

    def marks(self, item):
        return "".join(f"#[{one}] " for one in ("non_exhaustive", "must_use") if one in str(item["attrs"]))

    def function(self, inner, path, visibility):
        params, where = self.generics(inner["generics"])
        header = inner["header"]
        words = "".join(f"{word} " for word in ("const", "async", "unsafe") if header[f"is_{word}"])
        return f"{visibility}{words}fn {path}{params}{self.signature(inner['sig'])}{where}"

    def fields(self, kind, path, visibility):
        if kind == "unit":
            return
        fields = kind.get("tuple") or (kind.get("plain") or kind.get("struct") or {}).get("fields", [])
        for index, one in enumerate(fields):
            field = self.item(one)
            if field is None:
                continue
            name = index if "tuple" in kind else field["name"]
            self.add(f"{path}::{name}", f"{visibility}{path}::{name}: {self.type(field['inner']['struct_field'])}")

    def variant(self, item, path):
        path = f"{path}::{item['name']}"
        self.add(path, f"{self.marks(item)}pub {path}")
        kind = item["inner"]["variant"]["kind"]
        self.fields("unit" if kind == "plain" else kind, path, "pub ")

    def implementations(self, impls, path):
        for key in impls:
            inner = self.item(key)["inner"]["impl"]
            trait = inner["trait"]["path"].rsplit("::", 1)[-1] if inner["trait"] else ""
            # The last two are made by macros and say nothing to a user.
            if inner["is_synthetic"] or inner["blanket_impl"] or trait in ("Unpin", "StructuralPartialEq"):
                continue
            params, where = self.generics(inner["generics"])
            if inner["trait"] is None:
                self.members(inner["items"], path, "pub ", params, where)
            else:
                self.add(path, f"impl{params} {self.name(inner['trait'])} for {self.type(inner['for'])}{where}")

    def members(self, items, path, visibility, params="", where=""):
        # What the implementation asks for is shown where it asks for more than a bare parameter.
        asks = f" in impl{params}{where}" if ":" in params or where else ""
        for key in items:
            item = self.item(key)
            if item is None:
                continue
            kind, inner = next(iter(item["inner"].items()))
            here = f"{path}::{item['name']}"
            if kind == "function":
                self.add(here, self.marks(item) + self.function(inner, here, visibility) + asks)
            elif kind == "assoc_const":
                self.add(here, f"{visibility}const {here}: {self.type(inner['type'])} = {inner['value']}{asks}")
            elif kind == "assoc_type":
                self.add(here, f"{visibility}type {here}{asks}")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        crate = json.load(file)
    if crate["format_version"] not in KNOWN_FORMATS:
        print(f"rustdoc's JSON has format {crate['format_version']}, and this script knows {KNOWN_FORMATS}")
        sys.exit(3)
    api = Api(crate)
    api.walk(crate["root"], "", api.remember)
    api.walk(crate["root"], "", api.show)
    print("\n".join(line for _, line in sorted(api.lines)))


main()
