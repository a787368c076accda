#pragma once

#include <string>

namespace sluice {

/// A shared library that is loaded when the first thing that needs it is done, and then stays. Few
/// runs of the program do, and what it needs in turn takes longer to load than a small file.
class LateLibrary {
 public:
  /// `file` is its DT_SONAME. Throws Failure, with the advice, where this machine does not have it.
  LateLibrary(const char* file, std::string purpose, std::string advice);

  /// Throws Failure where it is another one than the one that this program was built for.
  template <class Function>
  void find(const char* name, Function& function) const {
    function = reinterpret_cast<Function>(symbol(name));
  }

 private:
  void* symbol(const char* name) const;

  void* library_;
  std::string purpose_;
  std::string advice_;
};

}  // namespace sluice
