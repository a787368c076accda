#include "script/placeholders.hpp"

#include <algorithm>

#include "base/failure.hpp"
#include "base/identifier.hpp"
#include "base/suggestion.hpp"

namespace sluice::script {
namespace {

std::string value_of(const Script& script, const Variable& variable, const Placeholders& values) {
  const auto value = values.find(variable.name);
  const bool counts = value != values.end() && (variable.counts_if_empty || !value->second.empty());
  if (counts) return value->second;
  if (variable.fallback) return *variable.fallback;
  throw Failure(FailureKind::usage, script.path + ": " + variable.form +
                                        ": the environment has no variable of this name; set it, "
                                        "or write ${" +
                                        variable.name + "-default}");
}

}  // namespace

Substitution::Substitution(const Script& script, const Placeholders& values) {
  for (const std::string& name : script.directives.placeholders) {
    const auto value = values.find(name);
    if (value == values.end()) {
      throw Failure(FailureKind::usage, script.path + ": placeholder \"" + name +
                                            "\" has no value; give --placeholder " + name +
                                            "=VALUE");
    }
    quoted_.push_back({":'" + name + "'", quote_literal(value->second)});
    quoted_.push_back({":\"" + name + "\"", quote_identifier(value->second)});
    bare_.push_back({"${" + name + "}", value->second});
  }
  for (const Variable& variable : script.directives.variables)
    bare_.push_back({variable.form, value_of(script, variable, values)});
}

const Substitution::Form* Substitution::form_at(const std::vector<Form>& forms,
                                                std::string_view text, std::size_t at) {
  for (const Form& one : forms)
    if (text.substr(at).starts_with(one.form)) return &one;
  return nullptr;
}

void Substitution::append_with_bare(std::string_view text, std::string& result,
                                    WrittenPlaces& places) const {
  std::size_t copied = 0;
  const auto copy_to = [&](std::size_t end) {
    const std::string_view same = text.substr(copied, end - copied);
    places.add_same(same);
    result += same;
  };
  for (std::size_t at = 0; (at = text.find("${", at)) != std::string_view::npos;) {
    const Form* const bare = form_at(bare_, text, at);
    if (bare == nullptr) {
      at += 2;
      continue;
    }
    copy_to(at);
    places.add_value(bare->form, bare->value);
    result += bare->value;
    at += bare->form.size();
    copied = at;
  }
  copy_to(text.size());
}

std::string Substitution::apply(std::string_view text, const std::vector<std::size_t>& colons,
                                WrittenPlaces& places) const {
  // What a value brings with it stays what it is.
  std::string result;
  std::size_t copied = 0;
  for (const std::size_t colon : colons) {
    const Form* const quoted = form_at(quoted_, text, colon);
    if (quoted == nullptr) continue;
    append_with_bare(text.substr(copied, colon - copied), result, places);
    places.add_value(quoted->form, quoted->value);
    result += quoted->value;
    copied = colon + quoted->form.size();
  }
  append_with_bare(text.substr(copied), result, places);
  return result;
}

void check_placeholders(const Folder& folder, const Placeholders& values) {
  std::vector<std::string> declared;
  for (const auto* scripts :
       {&folder.versioned, &folder.repeatable, &folder.scheduled, &folder.before, &folder.after}) {
    for (const Script& script : *scripts) {
      std::ranges::copy(script.directives.placeholders, std::back_inserter(declared));
      for (const Variable& variable : script.directives.variables)
        declared.push_back(variable.name);
    }
  }
  for (const auto& [name, value] : values) {
    if (std::ranges::find(declared, name) != declared.end()) continue;
    const auto meant = nearest(name, declared);
    throw Failure(FailureKind::usage, "--placeholder " + name + ": no file declares it" +
                                          (meant ? "; did you mean " + *meant + "?" : "") +
                                          " (-- pgsluice: placeholder " + name + ")");
  }
}

}  // namespace sluice::script
