#include "writer/table_name.hpp"

#include "base/failure.hpp"
#include "tuple/utf8.hpp"

namespace sluice::writer {
namespace {

std::string fault_of(const std::string& name) {
  if (name.find_first_not_of(" \t\n\r\f\v") == std::string::npos) return "it is empty";
  const std::string quoted = "'\"" + name + "\"'";  // as a shell wants it
  if (name == "-") return "it is no name; a table of that name is " + quoted;
  if (name.find_first_not_of("0123456789") == std::string::npos)
    return "a number is no name; a table of that name is " + quoted;
  if (name.contains('\0')) return "it has a byte 0 in it";
  if (tuple::find_invalid_utf8(name)) return "it is no UTF-8, in which it is wanted";
  return "";
}

}  // namespace

void require_table_name(const std::string& name) {
  const std::string fault = fault_of(name);
  if (fault.empty()) return;
  const bool can_be_shown = name.find('\0') == std::string::npos && !tuple::find_invalid_utf8(name);
  throw Failure(FailureKind::usage,
                "--table" + (can_be_shown ? " \"" + name + "\"" : "") + ": " + fault);
}

}  // namespace sluice::writer
