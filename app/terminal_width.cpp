#include "app/terminal_width.hpp"

#include <sys/ioctl.h>

namespace sluice::app {

std::optional<std::size_t> terminal_width(int descriptor) {
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return size.ws_col;
}

}  // namespace sluice::app
