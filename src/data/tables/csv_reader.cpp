#include "data/tables/csv_reader.h"

#include "onecycle/error.h"
#include "onecycle/registry.h"

#include "core/text/format.h"
#include "core/text/printable.h"
#include "core/text/utf8.h"
#include "data/byte_source.h"
#include "data/known_names.h"
#include "data/needed_memory.h"

#include <algorithm>
#include <csv.h>
#include <exception>
#include <span>

namespace onecycle {

// One reading of a file. libcsv calls from C code, which no exception may cross: it is kept until
// libcsv's function returns.
class CsvParse {
 public:
  CsvParse(CsvTable& table, char separator) : table_(table) {
    if (csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL) != 0)
      throw DataError(table.path_ + ": no memory to read it");
    csv_set_delim(&parser_, static_cast<unsigned char>(separator));
    csv_set_blk_size(&parser_, kBlock);
  }
  ~CsvParse() { csv_free(&parser_); }
  CsvParse(const CsvParse&) = delete;
  CsvParse& operator=(const CsvParse&) = delete;

  void add(std::span<const std::uint8_t> bytes) {
    require_room(bytes.size());
    if (csv_parse(&parser_, bytes.data(), bytes.size(), on_cell, on_row, this) != bytes.size())
      fail();
    throw_if_wrong();
  }

  void finish() {
    if (csv_fini(&parser_, on_cell, on_row, this) != 0) fail();
    throw_if_wrong();
  }

 private:
  static constexpr std::size_t kBlock = 1 << 12;

  static void on_cell(void* text, std::size_t length, void* self) {
    static_cast<CsvParse*>(self)->keep_failure([&](CsvParse& parse) {
      parse.add_cell({static_cast<const char*>(text), length});
    });
  }
  static void on_row(int end, void* self) {
    static_cast<CsvParse*>(self)->keep_failure([&](CsvParse& parse) { parse.end_row(end); });
  }

  template <class Work>
  void keep_failure(const Work& work) noexcept {
    if (failure_) return;
    try {
      work(*this);
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

  // For what so many more bytes may add: what is full grows to twice its size beside the old one.
  void require_room(std::size_t bytes) {
    const auto growth = [&](const auto& kept) {
      return kept.size() + bytes > kept.capacity() ? 2 * kept.capacity() * sizeof(kept[0]) : 0;
    };
    const std::size_t open_cell = csv_get_buffer_size(&parser_);
    require_memory(static_cast<std::int64_t>(growth(table_.text_) + growth(table_.ends_) +
                                             growth(table_.lines_) + open_cell + bytes),
                   format("{}: its cells", table_.path_), "split the file, or leave columns out");
  }

  void add_cell(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')))
        ++line_;
    ++cells_;
    last_was_return_ = false;
    if (cells_ > CsvTable::kMostColumns)
      complain(format("more than {} columns; choose fewer", CsvTable::kMostColumns));
    if (text.find('\0') != text.npos)
      complain(format("cell {} holds a NUL byte; save the table as CSV in UTF-8", cells_));
    if (!is_utf8(text))
      complain(format("cell {}, '{}', is not UTF-8; save the table as CSV in UTF-8", cells_,
                      printable(text)));
    if (in_header_) {
      table_.names_.emplace_back(text);
    } else {
      table_.text_ += text;
      table_.ends_.push_back(table_.text_.size());
    }
  }

  void end_row(int end) {
    const bool second_half = end == '\n' && last_was_return_;
    last_was_return_ = end == '\r';
    if (second_half) return;
    if (cells_ == 0 && !in_header_ && table_.names_.size() == 1) {
      table_.ends_.push_back(table_.text_.size());
      cells_ = 1;
    }
    if (cells_ > 0) {
      if (!in_header_ && cells_ != table_.names_.size())
        complain(
            format("{} cells, but the header has {} columns; quote cells that hold the "
                   "separator, or mend the row",
                   cells_, table_.names_.size()));
      if (in_header_)
        table_.header_line_ = row_line_;
      else
        table_.lines_.push_back(row_line_);
      in_header_ = false;
    }
    cells_ = 0;
    ++line_;
    row_line_ = line_;
  }

  [[noreturn]] void complain(const std::string& what) const {
    throw DataError(format("{}, line {}: {}", table_.path_, row_line_, what));
  }

  void fail() {
    throw_if_wrong();
    if (csv_error(&parser_) != CSV_EPARSE && csv_error(&parser_) != CSV_SUCCESS)
      throw DataError(
          format("{}, line {}: {}", table_.path_, row_line_, csv_strerror(csv_error(&parser_))));
    throw DataError(
        format("{}, line {}: the row that begins there has a quote that is not closed, or not at "
               "the ends of a cell; quote the whole cell and double the quotes in it",
               table_.path_, row_line_));
  }

  void throw_if_wrong() const {
    if (failure_) std::rethrow_exception(failure_);
  }

  CsvTable& table_;
  csv_parser parser_{};
  std::exception_ptr failure_;
  bool in_header_ = true;
  bool last_was_return_ = false;
  std::size_t cells_ = 0;  // of the row so far
  std::int64_t line_ = 1;
  std::int64_t row_line_ = 1;
};

namespace {

constexpr std::uint64_t kCsvPiece = 1 << 22;  // bytes read at once

// `header`: for messages, the file and the line.
std::unordered_map<std::string, std::size_t> places_of(const std::vector<std::string>& names,
                                                       const std::string& header) {
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty())
      throw DataError(format("{}: column {} has no name; name it", header, i + 1));
    if (const char* why = why_no_name(names[i]))
      throw DataError(format("{}: the name of column {}, '{}', {}; rename it", header, i + 1,
                             printable(names[i]), why));
    if (!places.emplace(names[i], i).second)
      throw DataError(format("{}: two columns are named '{}'; rename one", header, names[i]));
  }
  return places;
}

}  // namespace

const char* why_no_separator(const std::string& separator) {
  const auto byte = static_cast<unsigned char>(separator.empty() ? '"' : separator.front());
  if (separator.size() == 1 && byte != '"' && byte < 0x80 && (byte >= ' ' || byte == '\t'))
    return nullptr;
  return "must be one ASCII character and no quote; \"\\t\" is a tab";
}

CsvTable::CsvTable(const std::string& path, char separator) : path_(path) {
  ByteSource source(path);
  CsvParse parse(*this, separator);
  bool first = true;
  for (;;) {
    const std::vector<std::uint8_t> bytes = source.read(kCsvPiece);
    std::span<const std::uint8_t> piece(bytes);
    constexpr std::uint8_t kMark[] = {0xef, 0xbb, 0xbf};
    if (first && piece.size() >= 3 && std::equal(kMark, kMark + 3, piece.begin()))
      piece = piece.subspan(3);
    first = false;
    if (!piece.empty()) parse.add(piece);
    if (bytes.size() < kCsvPiece) break;
  }
  parse.finish();
  if (names_.empty()) throw DataError(path + ": is empty; its first line must name the columns");
  places_ = places_of(names_, format("{}, line {}", path, header_line_));
  if (rows() == 0) throw DataError(path + ": has a header and no rows; check which file it is");
}

std::string_view CsvTable::cell(std::int64_t row, std::size_t column) const {
  const std::size_t at = static_cast<std::size_t>(row) * names_.size() + column;
  const std::uint64_t begin = at == 0 ? 0 : ends_[at - 1];
  return std::string_view(text_).substr(begin, ends_[at] - begin);
}

std::size_t CsvTable::column(const std::string& name) const {
  if (const auto found = places_.find(name); found != places_.end()) return found->second;
  throw DataError(format("{}: no column '{}'; {}{}", path_, name,
                         known_names(name, names_, "its header"),
                         names_.size() == 1 ? " (is the separator right?)" : ""));
}

std::string CsvTable::place(std::int64_t row, std::size_t column) const {
  return format("{}, line {}, column '{}'", path_, lines_[static_cast<std::size_t>(row)],
                names_[column]);
}

}  // namespace onecycle
