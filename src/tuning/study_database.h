#pragma once

#include <cstdint>
#include <optional>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace onecycle {

// A SQLite database that several processes write to: WAL, each change a transaction, flushed.
// Everything throws Error with the file's name: FileError where the disk is full or fails.
class Database {
 public:
  explicit Database(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const char* sql);
  std::int64_t changes() const;  // rows changed by the last statement
  [[noreturn]] void fail(const std::string& what) const;
  sqlite3* handle() const { return handle_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  sqlite3* handle_ = nullptr;
};

// One statement: parameters are bound in order, columns read in order.
//
//   Statement rows(database, "SELECT number FROM trials WHERE rung = ?");
//   for (rows.bind(rung); rows.step();) use(rows.integer(0));
class Statement {
 public:
  Statement(Database& database, const std::string& sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(std::int64_t value);
  Statement& bind(double value);
  Statement& bind(const std::string& value);
  Statement& bind(const std::optional<double>& value);
  bool step();  // whether there is a row
  void run() {
    while (step()) {
    }
  }

  // Whether the value is of the type that integer() (or number(), or text()) returns; a row that
  // another program wrote may hold any.
  bool is_integer(int column) const;
  bool is_number(int column) const;
  bool is_null(int column) const;
  bool is_text(int column) const;
  std::int64_t integer(int column) const;
  std::optional<double> number(int column) const;
  std::string text(int column) const;

 private:
  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

// Until commit(), changes are seen by nobody; without it they are undone.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace onecycle
