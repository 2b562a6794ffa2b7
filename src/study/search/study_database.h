#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <cstdint>
#include <optional>
#include <string>

// SQLiteCpp's classes, whose errors become Error with the file's name: FileError where the disk is
// full or fails.
namespace onecycle {

// A database that several processes write to: WAL, each change a transaction, flushed.
class Database : public SQLite::Database {
 public:
  explicit Database(const std::string& path);

  void execute(const char* sql);
  const std::string& path() const { return getFilename(); }
};

// One statement: parameters are bound in order.
//
//   Statement rows(database, "SELECT number FROM trials WHERE rung = ?");
//   for (rows.bind(rung); rows.step();) use(rows.getColumn(0).getInt64());
class Statement : public SQLite::Statement {
 public:
  Statement(Database& database, const std::string& sql);

  template <class Value>
  Statement& bind(const Value& value) {
    SQLite::Statement::bind(++bound_, value);
    return *this;
  }
  Statement& bind(const std::optional<double>& value);  // null where it is not finite
  bool step();                                          // whether there is a row
  void run() {
    while (step()) {
    }
  }

 private:
  const std::string& path_;
  int bound_ = 0;
};

// Until commit(), changes are seen by nobody; without it they are undone.
class Transaction {
 public:
  explicit Transaction(Database& database);

  void commit();

 private:
  const std::string& path_;
  SQLite::Transaction transaction_;
};

}  // namespace onecycle
