#include "support/packed.hpp"

#include <cstdlib>
#include <stdexcept>

#include "support/files.hpp"

namespace sluice::test {

std::string piped(const std::string& command, const std::string& bytes) {
  const TemporaryFolder folder;
  const std::string in = folder.write("in", bytes);
  const std::string line =
      "set -o pipefail; cd " + folder.path() + " && ( " + command + " ) <in >out 2>err";
  if (std::system(("bash -c '" + line + "'").c_str()) != 0)
    throw std::runtime_error(command + ": " + read_file(folder / "err"));
  return read_file(folder / "out");
}

std::string csv_to_pack(std::size_t bytes) {
  std::string text = "id,name\n";
  for (int id = 1; text.size() < bytes; ++id) {
    text += std::to_string(id);
    switch (id % 4) {
      case 0: text += ",plain\n"; break;
      case 1: text += ",\"two\nlines, \"\"quoted\"\"\"\n"; break;
      case 2:
        text +=
            ",Gr\xc3\xb6\xc3\x9f"
            "e \xe2\x82\xac \xf0\x9f\x9a\x95\n";
        break;
      default:
        text += "," + std::to_string(static_cast<std::int64_t>(id) * 7919 % 10007) + "\n";
        break;
    }
  }
  return text;
}

}  // namespace sluice::test
