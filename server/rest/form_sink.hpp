// AOF's upload form: a file, and fields of text before or behind it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/rest/call.hpp"
#include "server/rest/multipart.hpp"
#include "server/rest/upload_feeder.hpp"

namespace tutti::rest {

/// Of one field of text.
inline constexpr std::size_t kFieldBytesMax = 1U << 20;

/// Takes the form, pushes the document and answers the call. A client that leaves before the end
/// leaves nothing behind.
class FormSink final : public transport::HttpBodySink, public PartSink {
 public:
  FormSink(SharedCall call, std::string_view boundary);

  Flow data(std::string_view bytes) override;
  void end() override;
  void cut(transport::HttpCut why) override;

  Status partBegins(PartHead head) override;
  Status partData(std::string_view data) override;
  Status partEnds() override;

 private:
  /// Where the present part's content goes.
  enum class Part { File, Field, Other };

  SharedCall call_;
  MultipartReader reader_;
  std::shared_ptr<UploadFeeder> feeder_;  // null until the file comes
  documents::PushRequest request_;
  std::map<std::string, std::string> fields_;
  Part part_ = Part::Other;
  std::string field_;  // the present one's name
  bool refused_ = false;
};

}  // namespace tutti::rest
