#include "base/late_library.hpp"

#include <dlfcn.h>

#include <utility>

#include "base/failure.hpp"

namespace sluice {
namespace {

Failure missing(const std::string& purpose, const std::string& advice) {
  const char* const error = ::dlerror();
  return {FailureKind::failed, purpose + ": " + (error == nullptr ? "it cannot be loaded" : error),
          advice};
}

}  // namespace

LateLibrary::LateLibrary(const char* file, std::string purpose, std::string advice)
    : library_(::dlopen(file, RTLD_LAZY | RTLD_LOCAL)),
      purpose_(std::move(purpose)),
      advice_(std::move(advice)) {
  if (library_ == nullptr) throw missing(purpose_, advice_);
}

void* LateLibrary::symbol(const char* name) const {
  void* const found = ::dlsym(library_, name);
  if (found == nullptr) throw missing(purpose_, advice_);
  return found;
}

}  // namespace sluice
