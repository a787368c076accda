#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::s3 {

/// What is read of an answer in XML: each element at its end, with the text that stands directly in
/// it.
struct XmlElement {
  /// The names from the root to this one, without prefixes of namespaces.
  const std::vector<std::string>& path;
  std::string text;
};
using OnXmlElement = std::function<void(const XmlElement&)>;

/// What an answer may have: all that S3 says fits in many times.
struct XmlLimits {
  std::size_t bytes = 16 * 1024 * 1024;
  std::size_t depth = 16;
  std::size_t text_bytes = 64 * 1024;  ///< of one element
};

/// Reads all of a document. Throws Failure, with `what` in front, for one that is not well-formed,
/// goes beyond the limits or has a document type: S3 sends none, and entities, which could grow,
/// come with one. What the function throws comes through.
void read_xml(std::string_view document, const std::string& what, const OnXmlElement& on_element,
              const XmlLimits& limits = {});

}  // namespace sluice::s3
