#include "http/curl.hpp"

#include "base/late_library.hpp"

namespace sluice::http {
namespace {

Curl find_all() {
  const LateLibrary in(PGSLUICE_LIBCURL, "to read from web servers takes libcurl",
                       "Debian's package for it begins with libcurl4.");
  Curl found{};
  in.find("curl_easy_cleanup", found.easy_cleanup);
  in.find("curl_easy_getinfo", found.easy_getinfo);
  in.find("curl_easy_init", found.easy_init);
  in.find("curl_easy_pause", found.easy_pause);
  in.find("curl_easy_reset", found.easy_reset);
  in.find("curl_easy_setopt", found.easy_setopt);
  in.find("curl_easy_strerror", found.easy_strerror);
  in.find("curl_easy_unescape", found.easy_unescape);
  in.find("curl_free", found.free);
  in.find("curl_getdate", found.getdate);
  in.find("curl_global_init", found.global_init);
  in.find("curl_multi_add_handle", found.multi_add_handle);
  in.find("curl_multi_cleanup", found.multi_cleanup);
  in.find("curl_multi_info_read", found.multi_info_read);
  in.find("curl_multi_init", found.multi_init);
  in.find("curl_multi_perform", found.multi_perform);
  in.find("curl_multi_poll", found.multi_poll);
  in.find("curl_multi_remove_handle", found.multi_remove_handle);
  in.find("curl_multi_strerror", found.multi_strerror);
  in.find("curl_multi_wakeup", found.multi_wakeup);
  in.find("curl_slist_append", found.slist_append);
  in.find("curl_slist_free_all", found.slist_free_all);
  in.find("curl_url", found.url);
  in.find("curl_url_cleanup", found.url_cleanup);
  in.find("curl_url_get", found.url_get);
  in.find("curl_url_set", found.url_set);
  in.find("curl_url_strerror", found.url_strerror);
  in.find("curl_version_info", found.version_info);
  return found;
}

}  // namespace

const Curl& curl() {
  static const Curl found = find_all();
  return found;
}

}  // namespace sluice::http
