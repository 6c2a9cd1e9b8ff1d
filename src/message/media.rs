//! Sounds, pictures, files and videos: addresses, sizes and formats.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::json::wire_int;

/// A voice message.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct SoundElem {
    /// Address from which the recording can be downloaded. Absent from SDK 2.x and 3.x.
    pub url: Option<String>,
    /// Unique id of the recording. Some bodies from before November 2021 lack it.
    #[serde(rename = "UUID")]
    pub uuid: Option<String>,
    /// Size of the recording, in bytes.
    pub size: Option<i64>,
    /// Length of the recording, in **seconds**.
    pub second: Option<i64>,
    /// How to download it; only 2 is defined: directly from the address.
    #[serde(rename = "Download_Flag")]
    pub download_flag: Option<i64>,
}

/// A picture in up to three sizes.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ImageElem {
    /// Unique id of the picture.
    #[serde(rename = "UUID")]
    pub uuid: Option<String>,
    /// Format of the picture: 1 JPG, 2 GIF, 3 PNG, 4 BMP, 255 another one.
    pub image_format: Option<ImageFormat>,
    /// The sizes in which the picture can be downloaded, up to three.
    pub image_info_array: Option<Vec<ImageInfo>>,
}

/// One size of a picture.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ImageInfo {
    /// Which size this is: 1 the original, 2 large, 3 a thumbnail.
    pub r#type: Option<ImageType>,
    /// Size in bytes; 0 if not known, as is common for large pictures and thumbnails.
    pub size: Option<i64>,
    /// Width in pixels; 0 if not known.
    pub width: Option<i64>,
    /// Height in pixels; 0 if not known.
    pub height: Option<i64>,
    /// Address from which this size can be downloaded.
    #[serde(rename = "URL")]
    pub url: Option<String>,
}

wire_int! {
    /// Format of a picture.
    ImageFormat {
        /// JPG.
        Jpg = 1;
        /// GIF.
        Gif = 2;
        /// PNG.
        Png = 3;
        /// BMP.
        Bmp = 4;
        /// The vendor's own "other".
        OtherFormat = 255;
    }

    /// Which size of a picture.
    ImageType {
        /// Original.
        Original = 1;
        /// Large.
        Large = 2;
        /// Thumbnail.
        Thumbnail = 3;
    }
}

/// A file.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct FileElem {
    /// Address from which the file can be downloaded. Absent from SDK 2.x and 3.x.
    pub url: Option<String>,
    /// Unique id of the file. Some bodies from before November 2021 lack it.
    #[serde(rename = "UUID")]
    pub uuid: Option<String>,
    /// Size of the file, in bytes.
    pub file_size: Option<i64>,
    /// Name of the file. It may be a whole path.
    pub file_name: Option<String>,
    /// How to download it; only 2 is defined: directly from the address.
    #[serde(rename = "Download_Flag")]
    pub download_flag: Option<i64>,
}

/// A video with a preview picture.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct VideoFileElem {
    /// Address of the video; absent from SDK 2.x and 3.x.
    pub video_url: Option<String>,
    /// Unique id of the video. Some bodies from before November 2021 lack it.
    #[serde(rename = "VideoUUID")]
    pub video_uuid: Option<String>,
    /// Size of the video, in bytes.
    pub video_size: Option<i64>,
    /// Length of the video, in **seconds**; 0 from web clients.
    pub video_second: Option<i64>,
    /// Format of the video, such as `mp4`.
    pub video_format: Option<String>,
    /// How to download the video; only 2 is defined: directly from the address.
    pub video_download_flag: Option<i64>,
    /// Address of the preview; absent from SDK 2.x and 3.x.
    pub thumb_url: Option<String>,
    /// Unique id of the preview. Some bodies from before November 2021 lack it.
    #[serde(rename = "ThumbUUID")]
    pub thumb_uuid: Option<String>,
    /// Size of the preview, in bytes.
    pub thumb_size: Option<i64>,
    /// Width of the preview, in pixels.
    pub thumb_width: Option<i64>,
    /// Height of the preview, in pixels.
    pub thumb_height: Option<i64>,
    /// Format of the preview, such as `JPG`.
    pub thumb_format: Option<String>,
    /// How to download the preview; only 2 is defined: directly from the address.
    pub thumb_download_flag: Option<i64>,
}
