#pragma once

#include <archive.h>
#include <archive_entry.h>

namespace sluice::source {

/// The functions of libarchive that we call. With what it needs (an XML library, and that one's
/// tables of all languages) it takes longer to load than a small file does, and few files are
/// archives: so it is loaded when the first of them is opened.
struct LibArchive {
  decltype(&::archive_read_new) read_new;
  decltype(&::archive_read_free) read_free;
  decltype(&::archive_read_support_format_zip_seekable) read_support_format_zip_seekable;
  decltype(&::archive_read_support_format_7zip) read_support_format_7zip;
  decltype(&::archive_read_support_format_tar) read_support_format_tar;
  decltype(&::archive_read_set_format_option) read_set_format_option;
  decltype(&::archive_read_set_callback_data) read_set_callback_data;
  decltype(&::archive_read_set_read_callback) read_set_read_callback;
  decltype(&::archive_read_set_seek_callback) read_set_seek_callback;
  decltype(&::archive_read_set_skip_callback) read_set_skip_callback;
  decltype(&::archive_read_open1) read_open1;
  decltype(&::archive_read_next_header) read_next_header;
  decltype(&::archive_read_data) read_data;
  decltype(&::archive_format_name) format_name;
  decltype(&::archive_error_string) error_string;
  decltype(&::archive_set_error) set_error;
  decltype(&::archive_entry_pathname) entry_pathname;
  decltype(&::archive_entry_size) entry_size;
  decltype(&::archive_entry_size_is_set) entry_size_is_set;
  decltype(&::archive_entry_hardlink) entry_hardlink;
  decltype(&::archive_entry_filetype) entry_filetype;
  decltype(&::archive_entry_is_encrypted) entry_is_encrypted;
};

/// Loads it the first time. Throws Failure where this machine does not have it, or another one than
/// the one that this program was built for.
const LibArchive& libarchive();

}  // namespace sluice::source
