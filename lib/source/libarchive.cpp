#include "source/libarchive.hpp"

#include "base/late_library.hpp"

namespace sluice::source {
namespace {

LibArchive find_all() {
  const LateLibrary in(PGSLUICE_LIBARCHIVE, "to read archives takes libarchive",
                       "Debian's package for it begins with libarchive13.");
  LibArchive found{};
  in.find("archive_read_new", found.read_new);
  in.find("archive_read_free", found.read_free);
  in.find("archive_read_support_format_zip_seekable", found.read_support_format_zip_seekable);
  in.find("archive_read_support_format_7zip", found.read_support_format_7zip);
  in.find("archive_read_support_format_tar", found.read_support_format_tar);
  in.find("archive_read_set_format_option", found.read_set_format_option);
  in.find("archive_read_set_callback_data", found.read_set_callback_data);
  in.find("archive_read_set_read_callback", found.read_set_read_callback);
  in.find("archive_read_set_seek_callback", found.read_set_seek_callback);
  in.find("archive_read_set_skip_callback", found.read_set_skip_callback);
  in.find("archive_read_open1", found.read_open1);
  in.find("archive_read_next_header", found.read_next_header);
  in.find("archive_read_data", found.read_data);
  in.find("archive_format_name", found.format_name);
  in.find("archive_error_string", found.error_string);
  in.find("archive_set_error", found.set_error);
  in.find("archive_entry_pathname", found.entry_pathname);
  in.find("archive_entry_size", found.entry_size);
  in.find("archive_entry_size_is_set", found.entry_size_is_set);
  in.find("archive_entry_hardlink", found.entry_hardlink);
  in.find("archive_entry_filetype", found.entry_filetype);
  in.find("archive_entry_is_encrypted", found.entry_is_encrypted);
  return found;
}

}  // namespace

const LibArchive& libarchive() {
  static const LibArchive found = find_all();
  return found;
}

}  // namespace sluice::source
