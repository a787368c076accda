#include "tuple/copy_text.hpp"

namespace sluice::tuple::copy_text {

void split_line(std::string_view& lines, std::vector<std::string_view>& fields) {
  std::string_view line = lines.substr(0, lines.find('\n'));
  lines.remove_prefix(line.size() + 1);
  fields.clear();
  for (;;) {
    const std::size_t tab = line.find('\t');
    fields.push_back(line.substr(0, tab));
    if (tab == std::string_view::npos) return;
    line.remove_prefix(tab + 1);
  }
}

void unescape(std::string_view field, std::string& out) {
  for (;;) {
    const std::size_t escape = field.find('\\');
    out += field.substr(0, escape);
    if (escape == std::string_view::npos) return;
    const char next = field[escape + 1];
    out += next == 'n' ? '\n' : next == 'r' ? '\r' : next == 't' ? '\t' : next;
    field.remove_prefix(escape + 2);
  }
}

}  // namespace sluice::tuple::copy_text
