#include "script/placeholders.hpp"

#include <algorithm>

#include "base/failure.hpp"
#include "base/identifier.hpp"
#include "base/suggestion.hpp"

namespace sluice::script {
namespace {

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
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
}

const Substitution::Form* Substitution::form_at(std::string_view text, std::size_t at) const {
  for (const Form& one : quoted_)
    if (text.substr(at).starts_with(one.form)) return &one;
  return nullptr;
}

std::string Substitution::apply(std::string_view text,
                                const std::vector<std::size_t>& colons) const {
  std::string result;
  std::size_t copied = 0;
  for (const std::size_t colon : colons) {
    const Form* const quoted = form_at(text, colon);
    if (quoted == nullptr) continue;
    result += text.substr(copied, colon - copied);
    result += quoted->value;
    copied = colon + quoted->form.size();
  }
  result += text.substr(copied);
  for (const Form& one : bare_) replace_all(result, one.form, one.value);
  return result;
}

void check_placeholders(const Folder& folder, const Placeholders& values) {
  std::vector<std::string> declared;
  for (const auto* scripts : {&folder.versioned, &folder.repeatable, &folder.scheduled})
    for (const Script& script : *scripts)
      std::ranges::copy(script.directives.placeholders, std::back_inserter(declared));
  for (const auto& [name, value] : values) {
    if (std::ranges::find(declared, name) != declared.end()) continue;
    const auto meant = nearest(name, declared);
    throw Failure(FailureKind::usage, "--placeholder " + name + ": no file declares it" +
                                          (meant ? "; did you mean " + *meant + "?" : "") +
                                          " (-- pgsluice: placeholder " + name + ")");
  }
}

}  // namespace sluice::script
