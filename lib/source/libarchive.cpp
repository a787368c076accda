#include "source/libarchive.hpp"

#include <dlfcn.h>

#include <string>

#include "base/failure.hpp"

namespace sluice::source {
namespace {

std::string last_error() {
  const char* const error = ::dlerror();
  return error == nullptr ? "it cannot be loaded" : error;
}

Failure missing() {
  return {FailureKind::failed, "to read archives takes libarchive: " + last_error(),
          "Debian's package for it begins with libarchive13."};
}

/// It stays until the program ends.
void* load() {
  void* const library = ::dlopen(PGSLUICE_LIBARCHIVE, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw missing();
  return library;
}

template <class Function>
void find(void* library, const char* name, Function& function) {
  void* const symbol = ::dlsym(library, name);
  if (symbol == nullptr) throw missing();
  function = reinterpret_cast<Function>(symbol);
}

LibArchive find_all(void* in) {
  LibArchive found{};
  find(in, "archive_read_new", found.read_new);
  find(in, "archive_read_free", found.read_free);
  find(in, "archive_read_support_format_zip_seekable", found.read_support_format_zip_seekable);
  find(in, "archive_read_support_format_7zip", found.read_support_format_7zip);
  find(in, "archive_read_support_format_tar", found.read_support_format_tar);
  find(in, "archive_read_set_format_option", found.read_set_format_option);
  find(in, "archive_read_set_callback_data", found.read_set_callback_data);
  find(in, "archive_read_set_read_callback", found.read_set_read_callback);
  find(in, "archive_read_set_seek_callback", found.read_set_seek_callback);
  find(in, "archive_read_set_skip_callback", found.read_set_skip_callback);
  find(in, "archive_read_open1", found.read_open1);
  find(in, "archive_read_next_header", found.read_next_header);
  find(in, "archive_read_data", found.read_data);
  find(in, "archive_format_name", found.format_name);
  find(in, "archive_error_string", found.error_string);
  find(in, "archive_set_error", found.set_error);
  find(in, "archive_entry_pathname", found.entry_pathname);
  find(in, "archive_entry_size", found.entry_size);
  find(in, "archive_entry_size_is_set", found.entry_size_is_set);
  find(in, "archive_entry_hardlink", found.entry_hardlink);
  find(in, "archive_entry_filetype", found.entry_filetype);
  find(in, "archive_entry_is_encrypted", found.entry_is_encrypted);
  return found;
}

}  // namespace

const LibArchive& libarchive() {
  static const LibArchive found = find_all(load());
  return found;
}

}  // namespace sluice::source
