#include "migrate/placeholders.hpp"

#include <algorithm>

#include "base/failure.hpp"
#include "base/identifier.hpp"
#include "base/suggestion.hpp"

namespace sluice::migrate {
namespace {

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

struct Quoted {
  std::string form;  ///< :'name' or :"name"
  std::string value;
};

/// One of the forms at this offset, or nothing.
const Quoted* form_at(const std::string& text, std::size_t at, const std::vector<Quoted>& forms) {
  for (const Quoted& quoted : forms)
    if (text.compare(at, quoted.form.size(), quoted.form) == 0) return &quoted;
  return nullptr;
}

/// `colons` are the places where a lone colon stands in code, in their order.
std::string with_quoted(const std::string& text, const std::vector<std::size_t>& colons,
                        const std::vector<Quoted>& forms) {
  std::string result;
  std::size_t copied = 0;
  for (const std::size_t colon : colons) {
    const Quoted* const quoted = form_at(text, colon, forms);
    if (quoted == nullptr) continue;
    result += text.substr(copied, colon - copied) + quoted->value;
    copied = colon + quoted->form.size();
  }
  return result + text.substr(copied);
}

}  // namespace

std::string with_placeholders(const Script& script, const Placeholders& values) {
  std::string text = script.text;
  std::vector<Quoted> forms;
  for (const std::string& name : script.directives.placeholders) {
    const auto value = values.find(name);
    if (value == values.end()) {
      throw Failure(FailureKind::usage, script.path + ": placeholder \"" + name +
                                            "\" has no value; give --placeholder " + name +
                                            "=VALUE");
    }
    forms.push_back({":'" + name + "'", quote_literal(value->second)});
    forms.push_back({":\"" + name + "\"", quote_identifier(value->second)});
  }
  if (!forms.empty()) text = with_quoted(text, lex_sql(text).colons, forms);
  for (const std::string& name : script.directives.placeholders)
    replace_all(text, "${" + name + "}", values.at(name));
  return text;
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

}  // namespace sluice::migrate
