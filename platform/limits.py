"""The numbers of the limits tables, in one place.

Here: constants, by area in alphabetical order, each with its unit and what happens above it.
Not here: who checks them. Source: spec/security.md, section 7; spec/metadata.md, section 9; spec/workflow.md, section 2; spec/api.md.
"""

# --- api ---------------------------------------------------------------------------------------------------------------------

BODY_BYTES = 10 << 20  # of a request, file uploads apart; above: 413
CALLS_A_MINUTE = 600  # of one token or session; above: 429
JSON_DEPTH = 32  # nested objects and arrays in a request
JSON_KEYS = 10_000  # in a request
NUMBER_DIGITS = 38  # of a number in a request

# --- metadata ----------------------------------------------------------------------------------------------------------------
# Over one of these: `limit_exceeded` with its name, value and count, at check, never at the first save.

APPROVERS_A_NODE = 20  # sources
ARCHIVE_DAYS = 30  # that a removed field or object can be brought back for sure; purging it earlier: `purge_too_early`
COLUMNS_A_TABLE = 1_400  # dropped ones too; the databases take 2,000 and 1,600
DEFINITIONS_A_PUBLISH = 5_000
DOCUMENT_BYTES = 1 << 20  # of one document as UTF-8
DOCUMENT_DEPTH = 64  # nested objects and arrays in JSON
EXAMPLES_A_DEFINITION = 20
EXAMPLE_SECONDS = 10  # that all examples of a publish may take
FIELDS_AN_OBJECT = 800  # archived ones too
FIXED_BYTES_A_ROW = 6_000  # of fixed-width columns; over: `row_too_wide`. A page of PostgreSQL has 8 KiB
FORMULA_DEPTH = 50  # formulas that read formulas
INDEXES_AN_OBJECT = 40  # asked for by `indexed`, `unique`, `external_id`, `keys`
LANGUAGES = 20
LAYOUTS_AN_OBJECT = 100
LAYOUT_ITEMS = 400
LIST_VIEWS_AN_OBJECT = 500
LOOKUPS_AN_OBJECT = 100
MASTERS_AN_OBJECT = 2
OBJECTS = 500
PICKLIST_CHAIN = 3  # picklists that control one another in a row
PICKLIST_VALUES = 1_000  # of one picklist
RECORD_TYPES_AN_OBJECT = 50
RELATED_LISTS = 30  # on one layout
ROLL_UPS_AN_OBJECT = 40
SORT_KEYS_AN_OBJECT = 300  # sort and match keys kept beside texts
VALIDATION_RULES_AN_OBJECT = 500

# --- packs -------------------------------------------------------------------------------------------------------------------

PACK_BYTES = 50 << 20  # of a pack, unpacked; above: `limit_exceeded`
PACK_FILES = 5_000  # of a pack; above: `limit_exceeded`
PACK_IMAGE_BYTES = 5 << 20  # of one image in a pack; above: `limit_exceeded`

# --- records -----------------------------------------------------------------------------------------------------------------

BATCH_RECORDS = 200  # changes that pass the save pipeline together; longer calls are cut into such chunks
CASCADE_RECORDS = 10_000  # records that one delete may take along; above: refused, offered as a job
COUNT_CAP = 10_000  # records at which a capped count stops
DERIVED_LEVELS = 5  # relations upward that a save recomputes
FILTER_NODES = 100  # of a filter tree
GROUP_ROWS = 2_000  # groups in an answer; above: refused with `too_expensive`
PAGE_RECORDS = 200  # of one page; above: refused
REFERENCE_HOPS = 5  # lookups that one path may go through
NAMES_JOINED = 40  # lookups whose records' names one statement reads along; those of further ones are read by one for each target
QUERY_JOINS = 60  # parents that one statement may join, those whose names are shown too; SQLite takes 64 tables; above: `too_expensive`
RECYCLE_DAYS = 30  # that a deleted record can be restored
REPORTED_PROBLEMS = 1_000  # in one answer; further ones are only counted
SEARCH_HITS_AN_OBJECT = 20
TRANSACTION_RECORDS = 10_000  # records that one transaction may write; above: `limit_exceeded`

# --- rules -------------------------------------------------------------------------------------------------------------------

CASE_FIELDS = 200  # of one case
CASE_FILE_BYTES = 20 << 20  # of a file of cases
CASE_LINE_CHARACTERS = 4 << 20  # of one case
CASE_PROBLEMS = 100  # of a file, told at once
CASE_ROWS = 10_000  # of one case
CASE_SECONDS = 30  # that a database may take for one case

# --- workflow ----------------------------------------------------------------------------------------------------------------

APPROVAL_PEOPLE = 50  # seats at one node; above: `limit_exceeded`, the command is refused
APPROVAL_TRANSFERS = 5  # of one seat; above: `transfer_too_often`
MAIL_RECIPIENTS = 100  # of one message; above: `limit_exceeded`
MANAGER_LEVELS = 20  # at which a chain of managers is taken as ended
TEMPLATE_BYTES = 1 << 20  # of one rendered text; above: `template_too_long`
TEMPLATE_HOLES = 1_000  # merge fields in one text; above: `template_too_long`
