#include "s3/xml.hpp"

#include <expat.h>

#include <exception>
#include <memory>
#include <new>

#include "base/failure.hpp"

namespace sluice::s3 {
namespace {

struct Free {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};

class Reading {
 public:
  Reading(const OnXmlElement& on_element, const XmlLimits& limits)
      : on_element_(on_element), limits_(limits), parser_(XML_ParserCreate(nullptr)) {
    if (!parser_) throw std::bad_alloc();
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(parser_.get(), on_begin, on_end);
    XML_SetCharacterDataHandler(parser_.get(), on_text);
    XML_SetStartDoctypeDeclHandler(parser_.get(), on_doctype);
  }

  /// Why it cannot be read; empty where it can.
  std::string run(std::string_view document) {
    if (document.size() > limits_.bytes) return "is too long";
    const int size = static_cast<int>(document.size());
    const bool is_read = XML_Parse(parser_.get(), document.data(), size, 1) == XML_STATUS_OK;
    if (thrown_) std::rethrow_exception(thrown_);
    if (!refused_.empty()) return refused_;
    if (is_read) return "";
    return std::string("is no XML: ") + XML_ErrorString(XML_GetErrorCode(parser_.get())) +
           " in line " + std::to_string(XML_GetCurrentLineNumber(parser_.get()));
  }

 private:
  static Reading& of(void* reading) { return *static_cast<Reading*>(reading); }

  /// Nothing may be thrown through the parser, which is C.
  template <class F>
  void guarded(F act) {
    if (thrown_ || !refused_.empty()) return;
    try {
      act();
    } catch (...) {
      thrown_ = std::current_exception();
    }
    if (thrown_ || !refused_.empty()) XML_StopParser(parser_.get(), XML_FALSE);
  }

  static void on_begin(void* reading, const XML_Char* name, const XML_Char** /*attributes*/) {
    of(reading).guarded([reading, name] { of(reading).begin(name); });
  }
  static void on_end(void* reading, const XML_Char* /*name*/) {
    of(reading).guarded([reading] { of(reading).end(); });
  }
  static void on_text(void* reading, const XML_Char* text, int size) {
    const std::string_view more(text, static_cast<std::size_t>(size));
    of(reading).guarded([reading, more] { of(reading).add(more); });
  }
  static void on_doctype(void* reading, const XML_Char* /*name*/, const XML_Char* /*system*/,
                         const XML_Char* /*public_id*/, int /*has_internal_subset*/) {
    of(reading).guarded([reading] { of(reading).refused_ = "has a document type"; });
  }

  void begin(std::string_view name) {
    if (path_.size() == limits_.depth) {
      refused_ = "is nested too deep";
      return;
    }
    const std::size_t colon = name.rfind(':');
    path_.emplace_back(colon == std::string_view::npos ? name : name.substr(colon + 1));
    texts_.emplace_back();
  }

  void end() {
    const XmlElement element{.path = path_, .text = std::move(texts_.back())};
    on_element_(element);
    path_.pop_back();
    texts_.pop_back();
  }

  void add(std::string_view more) {
    if (texts_.back().size() + more.size() > limits_.text_bytes) {
      refused_ = "has a text that is too long";
    } else {
      texts_.back() += more;
    }
  }

  const OnXmlElement& on_element_;
  const XmlLimits& limits_;
  std::unique_ptr<XML_ParserStruct, Free> parser_;
  std::vector<std::string> path_;
  std::vector<std::string> texts_;
  std::string refused_;
  std::exception_ptr thrown_;
};

}  // namespace

void read_xml(std::string_view document, const std::string& what, const OnXmlElement& on_element,
              const XmlLimits& limits) {
  const std::string problem = Reading(on_element, limits).run(document);
  if (!problem.empty())
    throw Failure(FailureKind::failed, what + ": the server's answer " + problem);
}

}  // namespace sluice::s3
