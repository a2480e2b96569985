import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Base64;
import java.util.List;
import org.apache.flink.formats.common.TimestampFormat;
import org.apache.flink.formats.json.debezium.DebeziumJsonDeserializationSchema;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.DataType;
import org.apache.flink.util.Collector;

/**
 * Reads values of messages, a line each in base64, `-` for none, as Flink's format `debezium-json` does for a table
 * `id INT, word STRING`. Prints a line for each row that comes of one: its kind, id and word between tabs; or why none
 * does.
 */
public class FlinkReader {
    public static void main(String[] arguments) throws Exception {
        DataType table =
            DataTypes.ROW(DataTypes.FIELD("id", DataTypes.INT()), DataTypes.FIELD("word", DataTypes.STRING()));
        DebeziumJsonDeserializationSchema format = new DebeziumJsonDeserializationSchema(
            table, List.of(), InternalTypeInfo.of(table.getLogicalType()), false, false, TimestampFormat.ISO_8601);
        format.open(null);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            try {
                format.deserialize(line.equals("-") ? null : Base64.getDecoder().decode(line), new Printing());
            } catch (Exception error) {
                Throwable cause = error.getCause() == null ? error : error.getCause();
                System.out.println("!\t" + cause.getMessage().replaceAll("\\s+", " "));
            }
        }
    }

    private static class Printing implements Collector<RowData> {
        @Override
        public void collect(RowData row) {
            System.out.println(
                row.getRowKind().shortString() + "\t" + row.getInt(0) + "\t"
                    + (row.isNullAt(1) ? "" : row.getString(1)));
        }

        @Override
        public void close() {}
    }
}
